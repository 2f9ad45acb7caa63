<?php
// A lap counter in a file: PHP's memory ends with each request.
$file = sys_get_temp_dir() . '/laps';
$handle = fopen($file, 'c+');
flock($handle, LOCK_EX);
$laps = (int) stream_get_contents($handle) + 1;
rewind($handle);
fwrite($handle, (string) $laps);
fclose($handle);

$instance = (int) (getenv('CF_INSTANCE_INDEX') ?: 0);
if (str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html')) {
    $style = 'body{font:1.1rem/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;margin:0;background:#f4f1ea;color:#22252a}main{text-align:center}b{color:#e4572e}';
    echo "<!doctype html><title>PHP</title><style>$style</style><main><h1>Lap <b>$laps</b></h1><p>instance $instance, PHP " . PHP_VERSION . '</p></main>';
} else {
    header('Content-Type: application/json');
    echo json_encode(['sample' => 'php', 'instance' => $instance, 'laps' => $laps, 'php' => PHP_VERSION]), "\n";
}
