class Host:
    name: str
