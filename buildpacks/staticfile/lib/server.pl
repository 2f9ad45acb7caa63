#!/usr/bin/perl
# A small server of static pages for stacks without nginx; needs nothing beyond perl-base (with all of perl it also packs texts).
# A few processes, each of which serves many connections at once: however slow or idle one is, no other waits for it.
# Here is what happens on connections; what a request is answered is in answer.pl.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use File::Basename qw(dirname);
use Socket;

require(dirname($0) . '/answer.pl');

my $workers = $ENV{STATIC_WORKERS} || 2;
my $most = 400;            # connections of one process; select() takes no file number above 1023
my $longest = 16_384;      # bytes of a request's head
my $block = 65_536;        # bytes read from a file at once
my %patience = (head => 10, idle => 60, write => 60, ending => 2);    # seconds

socket(my $listen, PF_INET, SOCK_STREAM, getprotobyname('tcp') || 6) or die "socket: $!\n";
setsockopt($listen, SOL_SOCKET, SO_REUSEADDR, pack('l', 1));
bind($listen, sockaddr_in($ENV{PORT}, INADDR_ANY)) or die "port $ENV{PORT}: $!\n";
listen($listen, 1024) or die "listen: $!\n";
unblock($listen);
$SIG{PIPE} = 'IGNORE';

my %child;
$SIG{TERM} = $SIG{INT} = sub { kill TERM => keys %child; exit 0 };
while (1) {
    while (keys %child < $workers) {
        my $pid = fork();
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            $SIG{TERM} = $SIG{INT} = 'DEFAULT';
            work();
        }
        $child{$pid} = 1;
    }
    delete $child{ waitpid(-1, 0) };
}

# A connection: `in` is what came and is not answered yet, `out` and then `left` bytes of `file` are what goes.
my %open;

sub work {
    my $swept = time;
    while (1) {
        my ($read, $write) = ('', '');
        vec($read, fileno $listen, 1) = 1 if keys %open < $most;
        for my $number (keys %open) {
            vec(${ $open{$number}{busy} ? \$write : \$read }, $number, 1) = 1;
        }
        my $found = select($read, $write, undef, 1);
        if ($found > 0) {
            for my $number (keys %open) {
                my $one = $open{$number};
                my $goes_on = vec($write, $number, 1) ? send_more($one) : vec($read, $number, 1) ? take_more($one) : 1;
                leave($one) unless $goes_on;
            }
            welcome() if vec($read, fileno $listen, 1);
        }
        if (time > $swept) {
            $swept = time;
            for my $one (values %open) {
                my $state = $one->{busy} ? 'write' : $one->{ending} ? 'ending' : length $one->{in} ? 'head' : 'idle';
                leave($one) if time - $one->{since} > $patience{$state};
            }
        }
    }
}

sub welcome {
    while (keys %open < $most && accept(my $socket, $listen)) {
        unblock($socket);
        setsockopt($socket, getprotobyname('tcp') || 6, 1, pack('l', 1));    # TCP_NODELAY
        $open{ fileno $socket } = { socket => $socket, in => '', out => '', left => 0, since => time };
    }
}

sub leave {
    my $one = shift;
    delete $open{ fileno $one->{socket} };
    close $one->{socket};
}

# These answer whether the connection goes on.

sub take_more {
    my $one = shift;
    my $read = sysread($one->{socket}, $one->{in}, $longest, length $one->{in});
    return $!{EAGAIN} || $!{EINTR} unless defined $read;
    return 0 unless $read;
    if ($one->{ending}) {
        $one->{in} = '';
        return 1;
    }
    $one->{since} = time if $read == length $one->{in};
    return next_request($one);
}

# Answers the next request whose head is whole.
sub next_request {
    my $one = shift;
    my $end = index($one->{in}, "\r\n\r\n");
    if ($end < 0) {
        return 1 if length $one->{in} <= $longest;
        $end = length $one->{in};
    }
    my $head = substr($one->{in}, 0, $end);
    substr($one->{in}, 0, $end + 4 > length $one->{in} ? length $one->{in} : $end + 4) = '';
    @$one{qw(out file left keep)} = length $head > $longest ? too_long() : answer($head);
    @$one{qw(busy since)} = (1, time);
    return send_more($one);
}

sub send_more {
    my $one = shift;
    # Not for ever: others have their turn.
    for (1 .. 16) {
        if (length $one->{out}) {
            my $sent = syswrite($one->{socket}, $one->{out});
            return $!{EAGAIN} || $!{EINTR} unless defined $sent;
            substr($one->{out}, 0, $sent) = '';
            $one->{since} = time;
        }
        elsif ($one->{left}) {
            # A file that became shorter breaks the connection off: its length has been promised.
            my $read = sysread($one->{file}, $one->{out}, $one->{left} < $block ? $one->{left} : $block) or return 0;
            $one->{left} -= $read;
        }
        else {
            @$one{qw(busy file)} = (0, undef);
            if ($one->{keep}) { return length $one->{in} ? next_request($one) : 1 }
            # What was sent after the request is read away, or the answer might be lost with it.
            shutdown($one->{socket}, 1);
            @$one{qw(ending in)} = (1, '');
            return 1;
        }
    }
    return 1;
}

sub unblock {
    my $socket = shift;
    fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or die "fcntl: $!\n";
}
