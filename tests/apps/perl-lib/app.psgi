use lib "lib"; use Shop; Shop::app();
