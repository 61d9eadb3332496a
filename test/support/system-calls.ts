/**
 * Perl, which every Debian has: makes system calls that no other program there makes, and tells each one's error. The
 * numbers are those of x86_64 and of the others that share theirs with arm64.
 */
export const SYSTEM_CALLS = `
  use Errno ();
  my %names = map { my $n = Errno->can($_) ? Errno->can($_)->() : 0; $n => $_ } grep { /^E[A-Z0-9]+$/ } @Errno::EXPORT_OK;
  my $x64 = (split ' ', \`uname -m\`)[0] eq 'x86_64';
  my @found;
  sub try_to { my ($name, $x, $a, @args) = @_; $! = 0; my $r = syscall($x64 ? $x : $a, @args);
    push @found, '"' . $name . '":"' . ($r == -1 ? ($names{$!+0} // $!+0) : 'allowed') . '"'; }
  sub open_socket { my ($name, @kind) = @_; $! = 0; my $r = socket(my $s, $kind[0], $kind[1], $kind[2]);
    push @found, '"' . $name . '":"' . ($r ? 'allowed' : ($names{$!+0} // $!+0)) . '"'; }
  my ($none, $tmp, $type) = ("none", "/tmp", "tmpfs"); my $now = pack("qq", time, 0);
  try_to('ptraceInit', 101, 117, 16, 1, 0, 0);
  my $child = fork(); if (!$child) { sleep 60; exit } try_to('ptraceChild', 101, 117, 16, $child, 0, 0); kill 'KILL', $child;
  pipe(my $in, my $out); my $traced = fork();
  if (!$traced) { @found = (); try_to('ptraceMe', 101, 117, 0, 0, 0, 0); syswrite $out, $found[0]; exec 'true' }
  sysread $in, my $said, 100; push @found, $said; kill 'KILL', $traced;
  try_to('readMemory', 310, 270, $$, 0, 0, 0, 0, 0);
  try_to('mount', 165, 40, $none, $tmp, $type, 0, 0);
  try_to('unmount', 166, 39, $tmp, 0);
  try_to('newRoot', 161, 51, $tmp);
  try_to('newNamespaces', 272, 97, 0x10000000);
  try_to('newMount', 430, 430, $type, 0);
  try_to('hostName', 170, 161, $none, 4);
  try_to('setTime', 227, 112, 0, $now);
  try_to('keys', 250, 219, 0, -3, 0);
  try_to('bpf', 321, 280, 0, 0, 0);
  try_to('perf', 298, 241, 0, 0, 0, 0, 0);
  try_to('kernelModule', 175, 105, 0, 0, $none);
  try_to('reboot', 169, 142, 0xfee1dead, 672274793, 0, 0);
  try_to('userFault', 323, 282, 0);
  my $file = '/workspace/group/planted'; open(my $handle, '>', $file);
  try_to('setuidChmod', 90, 999, $file, 04755) if $x64;
  try_to('setgidFchmod', 91, 52, fileno($handle), 02755);
  try_to('setuidFchmodat', 268, 53, -100, $file, 04755);
  try_to('setuidFchmodat2', 452, 452, -100, $file, 04755, 0);
  try_to('setuidOpen', 257, 56, -100, "$file.2", 0101, 04755);
  try_to('setuidMknod', 259, 33, -100, "$file.3", 0104755, 0);
  try_to('openat2', 437, 437, -100, $file, 0, 0);
  try_to('ordinaryFchmodat', 268, 53, -100, $file, 01755);
  open_socket('rawSocket', 2, 3, 1);
  open_socket('vmSocket', 40, 1, 0);
  open_socket('algorithmSocket', 38, 5, 0);
  open_socket('rawSocket6', 10, 3, 58);
  open_socket('packetSocket', 17, 3, 768);
  print '{' . join(',', @found) . '}';
`;
