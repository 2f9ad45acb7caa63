<?php
// Asked first by PHP's own server: what belongs to the platform or to nobody is not handed out.
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?? '/');
$hidden = preg_match('~/\.(?!well-known/)~', $path)
    || preg_match('~^/(vendor/|Procfile$|manifest\.ya?ml$|composer\.(json|lock)$)~', $path);
if ($hidden) {
    http_response_code(404);
    header('Content-Type: text/plain');
    echo "404 Not Found\n";
    return true;
}
return false;
