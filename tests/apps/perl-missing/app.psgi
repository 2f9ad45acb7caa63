use strict; use warnings; use Plack::Builder; use Plack::Request;
builder { enable "ContentLength"; sub { my $r = Plack::Request->new(shift); [200, ["Content-Type", "text/plain"], ["plack " . $r->path]] } };
