# Starts the runner of Python jobs as its own command does; but its page /docs takes Swagger UI from the platform, not from afar.
import sys
runner, script, style, icon = sys.argv[1:5]
sys.path[0] = runner.rsplit('/', 1)[0]
sys.argv = [runner, *sys.argv[5:]]
import runpy
from fastapi.openapi import docs
docs.get_swagger_ui_html.__kwdefaults__.update(swagger_js_url=script, swagger_css_url=style, swagger_favicon_url=icon)
runpy.run_path(runner, run_name='__main__')
