<?php
// Asked first by PHP's own server. What belongs to the platform or to nobody is not handed out; what is no file is the business of the
// front controller, index.php at the top, as it is with other servers' "try files".
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?? '/');
$root = $_SERVER['DOCUMENT_ROOT'];
$hidden = preg_match('~/\.(?!well-known/)~', $path)
    || preg_match('~^/(vendor/|Procfile$|manifest\.ya?ml$|composer\.(json|lock)$)~', $path);
$file = $root . $path;
if (!$hidden && (is_file($file) || is_file("$file/index.php") || is_file("$file/index.html"))) {
    return false;
}
if (!$hidden && is_file("$root/index.php")) {
    // `/script.php/more` is PHP's own way of saying PATH_INFO.
    for ($script = dirname($path); $script !== '/' && $script !== '.'; $script = dirname($script)) {
        if (is_file($root . $script)) {
            return false;
        }
    }
    $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
    $_SERVER['SCRIPT_FILENAME'] = "$root/index.php";
    unset($_SERVER['PATH_INFO']);
    chdir($root);
    require "$root/index.php";
    return true;
}
http_response_code(404);
header('Content-Type: text/plain');
echo "404 Not Found\n";
return true;
