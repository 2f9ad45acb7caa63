package Shop; sub app { sub { [200, [], ["lib"]] } } 1;
