# Prints what cpanfile or Makefile.PL requires and this Perl has not: "Module version" a line.
use strict;
use warnings;

my %want;
if (-f 'cpanfile') {
    our $phase = 'runtime';
    my %word = (
        requires => sub { $want{ $_[0] } = $_[1] // 0 if $phase =~ /^(runtime|configure|build)$/ },
        on => sub { local $phase = $_[0]; $_[1]->() },
        (map { $_ => sub { } } qw(recommends suggests conflicts feature mirror osname test_requires author_requires)),
    );
    $word{$_} = $word{requires} for qw(configure_requires build_requires);
    no strict 'refs';
    *{"Pitlane::Cpanfile::$_"} = $word{$_} for keys %word;
    open my $in, '<', 'cpanfile' or die "cpanfile: $!\n";
    my $text = do { local $/; <$in> };
    eval "package Pitlane::Cpanfile; no strict; no warnings;\n#line 1 \"cpanfile\"\n$text; 1" or die $@;
}
elsif (-f 'Makefile.PL') {
    open my $in, '<', 'Makefile.PL' or die "Makefile.PL: $!\n";
    my $text = do { local $/; <$in> };
    if ($text =~ /PREREQ_PM\s*(?:=>|,)\s*\{(.*?)\}/s) {
        my $list = $1;
        $want{$1} = $2 while $list =~ /['"]?([\w:]+)['"]?\s*=>\s*['"]?v?([\d._]*)/g;
    }
    $want{$1} = $2 // 0 while $text =~ /^\s*requires\s+['"]([\w:]+)['"](?:\s*(?:=>|,)\s*['"]?([\d.]+))?/gm;
}
for my $module (sort keys %want) {
    my $version = $want{$module};
    if ($module eq 'perl') {
        eval "use $version; 1" or die "perl $version is asked for, this stack has " . sprintf('%vd', $^V) . "\n";
        next;
    }
    (my $file = "$module.pm") =~ s{::}{/}g;
    my $least = $version =~ /^(?:>=\s*)?v?([\d._]+)$/ ? $1 : 0;
    my $has = eval { require $file; 1 } && (!$least || eval { $module->VERSION($least); 1 });
    print "$module $version\n" unless $has;
}
