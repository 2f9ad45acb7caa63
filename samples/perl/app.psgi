# A lap counter: each worker process counts the requests that it has answered.
use strict;
use warnings;
use Plack::Request;

my $instance = $ENV{CF_INSTANCE_INDEX} // 0;
my $laps = 0;
my $style = 'body{font:1.1rem/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;margin:0;background:#f4f1ea;color:#22252a}main{text-align:center}b{color:#e4572e}';

sub {
    my $request = Plack::Request->new(shift);
    return [404, ['Content-Type' => 'text/plain'], ["404 Not Found\n"]] if $request->path ne '/';
    $laps++;
    my $version = sprintf '%vd', $^V;
    if (($request->header('Accept') // '') =~ m{text/html}) {
        my $page = "<!doctype html><title>Perl</title><style>$style</style><main><h1>Lap <b>$laps</b></h1><p>instance $instance, Perl $version</p></main>";
        return [200, ['Content-Type' => 'text/html'], [$page]];
    }
    return [200, ['Content-Type' => 'application/json'], [qq({"sample":"perl","instance":$instance,"laps":$laps,"perl":"$version"}\n)]];
};
