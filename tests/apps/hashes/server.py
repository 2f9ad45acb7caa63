import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import itsdangerous


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(itsdangerous.__version__.encode())


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
