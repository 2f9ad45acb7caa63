import fast, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class H(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"%d" % fast.answer())
ThreadingHTTPServer(("", int(os.environ["PORT"])), H).serve_forever()
