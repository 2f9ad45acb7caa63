import itsdangerous, requests, socks
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [itsdangerous.__version__.encode() if hasattr(itsdangerous,"__version__") else b"x"]
