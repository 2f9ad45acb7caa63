<?php function lib() { return "front"; }
