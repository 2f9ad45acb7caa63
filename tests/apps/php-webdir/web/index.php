<?php echo "webdir";
