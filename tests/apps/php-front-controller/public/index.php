<?php require __DIR__ . "/../src/lib.php"; header("X-Script: " . $_SERVER["SCRIPT_NAME"]); echo lib(), " ", $_SERVER["REQUEST_URI"], " ", $_SERVER["PATH_INFO"] ?? "-", " ", $_SERVER["SCRIPT_NAME"];
