from ansible.playbook.task import Task

class Block:
    block: list[Task | Block]
    rescue: list[Task | Block]
    always: list[Task | Block]
