<?php
// Prints the folder that is served: what .bp-config/options.json says, else the first usual one that has an index.php.
$options = is_file('.bp-config/options.json') ? json_decode(file_get_contents('.bp-config/options.json'), true) : [];
if (!is_array($options)) {
    fwrite(STDERR, '.bp-config/options.json cannot be read: ' . json_last_error_msg() . "\n");
    exit(1);
}
$folder = $options['WEBDIR'] ?? null;
if ($folder !== null && (!is_string($folder) || !preg_match('~^[\w./-]+$~', $folder) || preg_match('~(^|/)\.\.(/|$)|^/~', $folder) || !is_dir($folder))) {
    fwrite(STDERR, '.bp-config/options.json: WEBDIR: there is no folder ' . json_encode($folder) . " in the application\n");
    exit(1);
}
foreach (['public', 'htdocs', 'web'] as $usual) {
    $folder ??= is_file("$usual/index.php") ? $usual : null;
}
echo $folder ?? '.';
