from ansible.template import Templar

class LookupBase:
    _templar: Templar
