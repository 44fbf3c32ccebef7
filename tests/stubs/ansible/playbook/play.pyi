from ansible.playbook.block import Block

class Play:
    hosts: str
    name: str
    def compile(self) -> list[Block]: ...
