# What a request is answered: (head and small body, file, bytes of the file, does the connection go on). The settings come from
# bin/serve. One file a request, inside STATIC_ROOT; nothing here waits for the other side.
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_NONBLOCK);

my $root = $ENV{STATIC_ROOT};
my $can_pack = eval { require Compress::Raw::Zlib; 1 };
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
    401 => 'Unauthorized', 404 => 'Not Found', 405 => 'Method Not Allowed', 416 => 'Range Not Satisfiable',
    431 => 'Request Header Fields Too Large');

sub answer {
    my ($line, @rest) = split /\r\n/, shift;
    my ($method, $target, $minor) = ($line // '') =~ m{^([A-Z]+) (\S+) HTTP/1\.([01])$} or return refuse(400);
    my %header;
    for (@rest) { $header{ lc $1 } = $2 if /^([^:\s]+):\s*(.*?)\s*$/ }
    # Bodies are of no use here, and skipping them is not worth the risk of reading one as a request.
    my $keep = !($header{'content-length'} || $header{'transfer-encoding'})
        && ($minor ? lc($header{connection} // '') ne 'close' : lc($header{connection} // '') eq 'keep-alive');
    my %more = (Connection => $keep ? 'keep-alive' : 'close', 'Cache-Control' => 'no-cache');
    $more{'Strict-Transport-Security'} = $ENV{STATIC_HSTS} if $ENV{STATIC_HSTS};
    my $plain = sub {
        my ($status, $body, %own) = @_;
        my $text = head($status, { %more, %own, 'Content-Length' => length $body });
        return ($text . ($method eq 'HEAD' ? '' : $body), undef, 0, $keep);
    };
    return $plain->(405, '', Allow => 'GET, HEAD') if $method ne 'GET' && $method ne 'HEAD';
    my ($path) = $target =~ m{^(?:https?://[^/]*)?(/[^?#]*)} or return refuse(400);
    $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return refuse(400) if $path =~ /\0/ || grep { $_ eq '..' } split m{/}, $path;
    if ($ENV{STATIC_FORCE_HTTPS} && lc($header{'x-forwarded-proto'} // '') eq 'http') {
        my $host = ($header{host} // '') =~ /^([A-Za-z0-9.:\[\]-]+)$/ ? $1 : return refuse(400);
        return $plain->(301, '', Location => "https://$host$target");
    }
    if ($ENV{STATIC_AUTH} && !may($header{authorization})) {
        return $plain->(401, "401 Unauthorized\n", 'Content-Type' => 'text/plain', 'WWW-Authenticate' => 'Basic realm="Restricted"');
    }
    my $hidden = !$ENV{STATIC_DOTFILES} && $path =~ m{/\.(?!well-known/)};
    my ($status, $file) = (200, $hidden ? undef : "$root$path");
    if (defined $file && -d $file) {
        if ($path !~ m{/$}) {
            (my $to = $target) =~ s{^https?://[^/]*}{};
            $to =~ s{^([^?]*)}{$1/};
            $to =~ s{^/+}{/};
            return $plain->(301, '', Location => $to);
        }
        my $folder = $file;
        ($file) = grep { -f } "$folder/index.html", "$folder/index.htm";
        return $plain->(200, listing($folder, $path), 'Content-Type' => $type{html}) if !defined $file && $ENV{STATIC_DIRECTORY};
    }
    $file = undef if defined $file && !-f $file;
    if (!defined $file && $ENV{STATIC_PUSHSTATE} && !$hidden && -f "$root/index.html") { $file = "$root/index.html" }
    if (!defined $file) {
        $status = 404;
        my $own = $root . ($ENV{STATIC_404} || '/404.html');
        $file = $own if -f $own;
    }
    if (!defined $file || !sysopen(my $in, $file, O_RDONLY | O_NONBLOCK)) {
        return $plain->(404, "404 Not Found\n", 'Content-Type' => 'text/plain');
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
            return (head(304, \%more), undef, 0, $keep) if $same;
        }
        if (packs($more{'Content-Type'}, $size)) {
            $more{Vary} = 'Accept-Encoding';
            if (!defined $header{range} && ($header{'accept-encoding'} // '') =~ /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/) {
                # Not the same bytes, though the same page.
                @more{qw(Content-Encoding ETag)} = ('gzip', "W/$tag");
                delete $more{'Accept-Ranges'};
                return $plain->($status, packed($in, "$file $tag"));
            }
        }
        my ($from, $to) = (0, $size - 1);
        my $range_holds = !defined $header{'if-range'} || $header{'if-range'} eq $tag;
        if ($status == 200 && $range_holds && ($header{range} // '') =~ /^bytes=(\d*)-(\d*)$/ && "$1$2" ne '') {
            ($from, $to) = $1 eq '' ? ($2 > $size ? 0 : $size - $2, $size - 1) : ($1, $2 eq '' || $2 >= $size ? $size - 1 : $2);
            return $plain->(416, '', 'Content-Range' => "bytes */$size") if $from > $to;
            $status = 206;
            $more{'Content-Range'} = "bytes $from-$to/$size";
        }
        my $left = $to - $from + 1;
        sysseek($in, $from, 0);
        return (head($status, { %more, 'Content-Length' => $left }), $in, $method eq 'HEAD' ? 0 : $left, $keep);
    }
}

sub too_long { refuse(431) }

sub refuse { (head(shift, { 'Content-Length' => 0, Connection => 'close' }), undef, 0, 0) }

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

# Texts of a size worth the while and fit to be held in memory.
sub packs {
    my ($type, $size) = @_;
    return $can_pack && $size >= 1024 && $size <= 4 << 20 && $type =~ m{^(?:text/|application/(?:json|wasm|manifest)|image/svg)};
}

# Packed once a file, while there is room for it.
my (%pack, $held);

sub packed {
    my ($in, $key) = @_;
    return $pack{$key} if defined $pack{$key};
    sysread($in, my $text, 4 << 20);
    my $zlib = Compress::Raw::Zlib::Deflate->new(-WindowBits => 31, -Level => 6, -AppendOutput => 1);
    my $out = '';
    $zlib->deflate($text, $out);
    $zlib->flush($out);
    ($held, %pack) = (0) if ($held // 0) + length $out > 4 << 20;
    $held += length $out;
    return $pack{$key} = $out;
}

sub listing {
    my ($folder, $path) = @_;
    my $text = sub { my $name = shift; $name =~ s/([&<>"])/'&#' . ord($1) . ';'/ge; $name };
    opendir(my $inside, $folder) or return '';
    my @names = sort grep { !/^\./ } readdir $inside;
    my @lines = map {
        my $name = $_ . (-d "$folder/$_" ? '/' : '');
        (my $link = $name) =~ s{([^A-Za-z0-9._~/-])}{sprintf '%%%02X', ord $1}ge;
        my ($size, $time) = (stat "$folder/$_")[7, 9];
        my $about = $name =~ m{/$} ? '-' : $size // '-';
        "<tr><td><a href=\"./$link\">" . $text->($name) . "</a></td><td>$about</td></tr>\n";
    } @names;
    my $title = 'Index of ' . $text->($path);
    unshift @lines, "<tr><td><a href=\"../\">../</a></td><td></td></tr>\n" if $path ne '/';
    return "<!doctype html>\n<meta charset=\"utf-8\"><title>$title</title>\n<h1>$title</h1>\n<table>\n" . join('', @lines) . "</table>\n";
}

# Names and passwords of Staticfile.auth, by what follows "Basic"; those that were right are remembered, for checking takes time.
my (%right, %secret);

sub may {
    my ($given) = (shift // '') =~ /^Basic\s+(\S+)$/i or return 0;
    return 1 if $right{$given};
    if (!%secret) {
        open(my $in, '<', $ENV{STATIC_AUTH}) or return 0;
        while (<$in>) { $secret{$1} //= $2 if /^([^:#\s][^:]*):(\S+)/ }
    }
    (my $coded = $given) =~ tr{A-Za-z0-9+/}{}cd;
    $coded =~ tr{A-Za-z0-9+/}{ -_};
    my $plain = join '', map { unpack 'u', chr(32 + int(length($_) * 3 / 4)) . $_ } unpack '(A60)*', $coded;
    my ($name, $password) = $plain =~ /^([^:]*):(.*)$/s or return 0;
    my $want = $secret{$name} // return 0;
    my $have = $want =~ /^\{SHA\}/ ? do { require Digest::SHA; '{SHA}' . Digest::SHA::sha1_base64($password) . '=' }
        : $want =~ /^\$apr1\$([^\$]{0,8})\$/ ? apr1($password, $1)
        : crypt($password, $want) // '';
    return 0 unless $have eq $want;
    %right = () if keys %right > 100;
    return $right{$given} = 1;
}

# Apache's MD5, as `htpasswd` and `openssl passwd -apr1` make it.
sub apr1 {
    my ($password, $salt) = @_;
    require Digest::MD5;
    my $md5 = \&Digest::MD5::md5;
    my $length = length $password;
    my $sum = $md5->($password . $salt . $password);
    my $text = $password . '$apr1$' . $salt . substr($sum x (1 + $length / 16), 0, $length);
    for (my $bits = $length; $bits; $bits >>= 1) { $text .= $bits & 1 ? "\0" : substr($password, 0, 1) }
    $sum = $md5->($text);
    for my $round (0 .. 999) {
        $sum = $md5->(($round & 1 ? $password : $sum) . ($round % 3 ? $salt : '') . ($round % 7 ? $password : '')
            . ($round & 1 ? $sum : $password));
    }
    my @digits = ('.', '/', 0 .. 9, 'A' .. 'Z', 'a' .. 'z');
    my $digits = sub { my ($number, $count) = @_; join '', map { $digits[ $number >> 6 * $_ & 63 ] } 0 .. $count - 1 };
    my @byte = unpack 'C16', $sum;
    my $out = join '', map { $digits->($byte[$_] << 16 | $byte[ $_ + 6 ] << 8 | $byte[ $_ == 4 ? 5 : $_ + 12 ], 4) } 0 .. 4;
    return "\$apr1\$$salt\$$out" . $digits->($byte[11], 2);
}

1;
