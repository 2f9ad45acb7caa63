#!/usr/bin/perl
# A small server of static pages for stacks without nginx; needs nothing beyond perl-base.
# A few processes accept side by side; each serves one connection at a time, kept alive for a short while.
use strict;
use warnings;
use Socket;
use Fcntl qw(O_RDONLY O_NONBLOCK S_ISREG S_ISDIR);
use POSIX ();

my $root = $ENV{STATIC_ROOT};
my $workers = $ENV{STATIC_WORKERS} || 8;
my %type = (
    html => 'text/html; charset=utf-8', htm => 'text/html; charset=utf-8', css => 'text/css; charset=utf-8',
    js => 'text/javascript; charset=utf-8', mjs => 'text/javascript; charset=utf-8', json => 'application/json',
    map => 'application/json', txt => 'text/plain; charset=utf-8', md => 'text/plain; charset=utf-8',
    xml => 'text/xml; charset=utf-8', svg => 'image/svg+xml', png => 'image/png', jpg => 'image/jpeg',
    jpeg => 'image/jpeg', gif => 'image/gif', webp => 'image/webp', avif => 'image/avif', ico => 'image/x-icon',
    woff => 'font/woff', woff2 => 'font/woff2', ttf => 'font/ttf', otf => 'font/otf', pdf => 'application/pdf',
    wasm => 'application/wasm', mp4 => 'video/mp4', webm => 'video/webm', mp3 => 'audio/mpeg', ogg => 'audio/ogg',
    zip => 'application/zip', gz => 'application/gzip', webmanifest => 'application/manifest+json',
);
my %word = (200 => 'OK', 206 => 'Partial Content', 301 => 'Moved Permanently', 304 => 'Not Modified', 400 => 'Bad Request',
    404 => 'Not Found', 405 => 'Method Not Allowed', 416 => 'Range Not Satisfiable', 431 => 'Request Header Fields Too Large');

socket(my $listen, PF_INET, SOCK_STREAM, getprotobyname('tcp') || 6) or die "socket: $!\n";
setsockopt($listen, SOL_SOCKET, SO_REUSEADDR, pack('l', 1));
bind($listen, sockaddr_in($ENV{PORT}, INADDR_ANY)) or die "port $ENV{PORT}: $!\n";
listen($listen, 1024) or die "listen: $!\n";
$SIG{PIPE} = 'IGNORE';

my %child;
my $end = sub { kill TERM => keys %child; exit 0 };
$SIG{TERM} = $SIG{INT} = $end;
while (1) {
    while (keys %child < $workers) {
        my $pid = fork();
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            $SIG{TERM} = $SIG{INT} = 'DEFAULT';
            work();
            exit 0;
        }
        $child{$pid} = 1;
    }
    my $gone = waitpid(-1, 0);
    delete $child{$gone};
}

sub work {
    for (1 .. 10_000) {
        accept(my $client, $listen) or next;
        setsockopt($client, getprotobyname('tcp') || 6, 1, pack('l', 1));    # TCP_NODELAY
        my $buffer = '';
        while (1) {
            # Idle connections give their place to others after a short while.
            my $head = read_head($client, \$buffer, length $buffer ? 10 : 5);
            last unless defined $head;
            last unless answer($client, $head);
        }
        close $client;
    }
}

# One request's head, or undef at the end of the connection.
sub read_head {
    my ($client, $buffer, $patience) = @_;
    my $until = time + $patience;
    while ((my $end = index($$buffer, "\r\n\r\n")) < 0) {
        if (length $$buffer > 16_384) {
            send_all($client, head(431, { 'Content-Length' => 0, Connection => 'close' }));
            return undef;
        }
        my $left = $until - time;
        return undef if $left <= 0;
        my $want = '';
        vec($want, fileno $client, 1) = 1;
        return undef unless select($want, undef, undef, $left) > 0;
        my $read = sysread($client, $$buffer, 16_384, length $$buffer);
        return undef unless $read;
    }
    my $end = index($$buffer, "\r\n\r\n");
    my $head = substr($$buffer, 0, $end);
    substr($$buffer, 0, $end + 4) = '';
    return $head;
}

# Answers one request; true if the connection goes on.
sub answer {
    my ($client, $text) = @_;
    my ($line, @rest) = split /\r\n/, $text;
    my ($method, $target, $minor) = ($line // '') =~ m{^([A-Z]+) (\S+) HTTP/1\.([01])$}
        or return refuse($client, 400);
    my %header;
    for (@rest) { $header{ lc $1 } = $2 if /^([^:\s]+):\s*(.*?)\s*$/ }
    # Bodies are of no use here, and skipping them is not worth the risk of reading one as a request.
    my $keep = !($header{'content-length'} || $header{'transfer-encoding'})
        && ($minor ? lc($header{connection} // '') ne 'close' : lc($header{connection} // '') eq 'keep-alive');
    my %more = (Connection => $keep ? 'keep-alive' : 'close', 'Cache-Control' => 'no-cache');
    if ($method ne 'GET' && $method ne 'HEAD') {
        return send_all($client, head(405, { %more, Allow => 'GET, HEAD', 'Content-Length' => 0 })) && $keep;
    }
    my ($path, $query) = $target =~ m{^(?:https?://[^/]*)?(/[^?#]*)(\?[^#]*)?} or return refuse($client, 400);
    $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return refuse($client, 400) if $path =~ /\0/ || grep { $_ eq '..' } split m{/}, $path;
    if ($ENV{STATIC_FORCE_HTTPS} && lc($header{'x-forwarded-proto'} // '') eq 'http') {
        my $host = ($header{host} // '') =~ /^([A-Za-z0-9.:\[\]-]+)$/ ? $1 : return refuse($client, 400);
        return send_all($client, head(301, { %more, Location => "https://$host$target", 'Content-Length' => 0 })) && $keep;
    }
    my $hidden = !$ENV{STATIC_DOTFILES} && $path =~ m{/\.(?!well-known/)};
    my ($status, $file) = (200, $hidden ? undef : "$root$path");
    if (defined $file && -d $file) {
        if ($path !~ m{/$}) {
            (my $to = $target) =~ s{^https?://[^/]*}{};
            $to =~ s{^([^?]*)}{$1/};
            $to =~ s{^/+}{/};
            return send_all($client, head(301, { %more, Location => $to, 'Content-Length' => 0 })) && $keep;
        }
        ($file) = grep { -f } "$file/index.html", "$file/index.htm";
    }
    $file = undef if defined $file && !-f $file;
    if (!defined $file && $ENV{STATIC_PUSHSTATE} && !$hidden && -f "$root/index.html") { $file = "$root/index.html" }
    if (!defined $file) {
        $status = 404;
        $file = "$root/404.html" if -f "$root/404.html";
    }
    if (!defined $file || !sysopen(my $in, $file, O_RDONLY | O_NONBLOCK)) {
        my $body = "404 Not Found\n";
        my $head = head(404, { %more, 'Content-Type' => 'text/plain', 'Content-Length' => length $body });
        return send_all($client, $head . ($method eq 'HEAD' ? '' : $body)) && $keep;
    }
    else {
        my ($size, $time) = (stat $in)[7, 9];
        my $suffix = $file =~ /\.([A-Za-z0-9]+)$/ ? lc $1 : '';
        my $tag = sprintf '"%x-%x"', $time, $size;
        %more = (%more, 'Content-Type' => $type{$suffix} // 'application/octet-stream',
            'Last-Modified' => http_time($time), ETag => $tag, 'Accept-Ranges' => 'bytes');
        if ($status == 200) {
            my $none = $header{'if-none-match'};
            my $same = defined $none
                ? scalar grep { s/^W\///r eq $tag || $_ eq '*' } split /\s*,\s*/, $none
                : ($header{'if-modified-since'} // '') eq $more{'Last-Modified'};
            return send_all($client, head(304, \%more)) && $keep if $same;
        }
        my ($from, $to) = (0, $size - 1);
        my $range_holds = !defined $header{'if-range'} || $header{'if-range'} eq $tag;
        if ($status == 200 && $range_holds && ($header{range} // '') =~ /^bytes=(\d*)-(\d*)$/ && "$1$2" ne '') {
            ($from, $to) = $1 eq '' ? ($2 > $size ? 0 : $size - $2, $size - 1) : ($1, $2 eq '' || $2 >= $size ? $size - 1 : $2);
            if ($from > $to) {
                return send_all($client, head(416, { %more, 'Content-Range' => "bytes */$size", 'Content-Length' => 0 })) && $keep;
            }
            $status = 206;
            $more{'Content-Range'} = "bytes $from-$to/$size";
        }
        my $left = $to - $from + 1;
        send_all($client, head($status, { %more, 'Content-Length' => $left })) or return 0;
        return $keep if $method eq 'HEAD';
        sysseek($in, $from, 0);
        while ($left > 0) {
            my $read = sysread($in, my $block, $left < 65_536 ? $left : 65_536) or return 0;
            send_all($client, $block) or return 0;
            $left -= $read;
        }
        return $keep;
    }
}

sub refuse {
    my ($client, $status) = @_;
    send_all($client, head($status, { 'Content-Length' => 0, Connection => 'close' }));
    return 0;
}

sub head {
    my ($status, $more) = @_;
    my $text = "HTTP/1.1 $status $word{$status}\r\nDate: " . http_time(time) . "\r\n";
    $text .= "$_: $more->{$_}\r\n" for sort keys %$more;
    return "$text\r\n";
}

sub http_time {
    my @time = gmtime shift;
    return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT', (qw(Sun Mon Tue Wed Thu Fri Sat))[ $time[6] ], $time[3],
        (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[ $time[4] ], $time[5] + 1900, @time[2, 1, 0];
}

# False if the other side has gone or does not read for a minute.
sub send_all {
    my ($client, $data) = @_;
    my $sent = 0;
    while ($sent < length $data) {
        my $want = '';
        vec($want, fileno $client, 1) = 1;
        return 0 unless select(undef, $want, undef, 60) > 0;
        my $more = syswrite($client, $data, length($data) - $sent, $sent);
        return 0 unless defined $more;
        $sent += $more;
    }
    return 1;
}
