/*
 * Loaded into the host before libc (LD_PRELOAD): counts the calls that change regular files below a root, across all threads, and
 * strikes at one of them.
 *
 *   FAULTS_ROOT     the root, as realpath(3) gives it; its logs/ and those of its groups are left out
 *   FAULTS_CONTROL  a file outside it with room for `struct control`, which whoever starts the host reads and writes
 *
 * The programs that the host starts are not watched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode {
  COUNT = 0,
  /* SIGKILL instead of the call. */
  KILL = 1,
  /* SIGKILL when half of a write has been done; for other calls, instead of them. */
  TEAR = 2,
  /* ENOSPC for one write; only writes count. */
  NO_SPACE = 3,
  /* ENOSPC for a write and for all that follow while this mode lasts; only writes count. */
  FULL = 4,
  /* EROFS for a call and for all that follow while this mode lasts, as on a disk that the system made read-only. */
  READ_ONLY = 5,
  /* EIO for a call and for all that follow while this mode lasts, as of a disk that breaks. */
  BROKEN = 6,
};

/* The same layout is in control.ts. */
struct control {
  _Atomic uint32_t mode;
  _Atomic uint32_t target;
  _Atomic uint32_t calls;
  _Atomic uint32_t hit;
  char what[1024];
};

static struct control *control;
static char root[PATH_MAX];
static size_t root_length;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_sendfile)(int, int, off_t *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_renameat2)(int, const char *, int, const char *, unsigned int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_open)(const char *, int, ...);
static int (*real_mkdir)(const char *, mode_t);

static void *need(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) {
    fprintf(stderr, "the shim finds no %s\n", name);
    _exit(70);
  }
  return found;
}

static void resolve(void) {
  if (real_unlinkat != NULL) return;
  real_write = need("write");
  real_writev = need("writev");
  real_pwrite = need("pwrite64");
  real_pwritev = need("pwritev64");
  real_sendfile = need("sendfile64");
  real_fsync = need("fsync");
  real_fdatasync = need("fdatasync");
  real_rename = need("rename");
  real_renameat = need("renameat");
  real_renameat2 = need("renameat2");
  real_unlink = need("unlink");
  real_open = need("open64");
  real_mkdir = need("mkdir");
  real_unlinkat = need("unlinkat");
}

__attribute__((constructor)) static void begin(void) {
  resolve();
  unsetenv("LD_PRELOAD");
  const char *given = getenv("FAULTS_ROOT");
  const char *page = getenv("FAULTS_CONTROL");
  if (given == NULL || page == NULL) return;
  if (realpath(given, root) == NULL) root[0] = '\0';
  root_length = strlen(root);
  int fd = open(page, O_RDWR | O_CLOEXEC);
  void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED || root_length == 0) {
    fprintf(stderr, "the shim cannot use FAULTS_ROOT=%s FAULTS_CONTROL=%s\n", given, page);
    _exit(70);
  }
  close(fd);
  control = at;
}

/* The part of a path below the root, or NULL for what does not count. */
static const char *below(const char *path) {
  if (strncmp(path, root, root_length) != 0 || path[root_length] != '/') return NULL;
  const char *rest = path + root_length + 1;
  if (strncmp(rest, "logs/", 5) == 0) return NULL;
  /* groups/FOLDER/logs/ holds the logs of turns. */
  const char *folder = strncmp(rest, "groups/", 7) == 0 ? strchr(rest + 7, '/') : NULL;
  return folder != NULL && strncmp(folder, "/logs/", 6) == 0 ? NULL : rest;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return 1;
}

/* The directory of a name with no links in it, and the name: the last part itself may be a link, which is what is changed then. */
static int full_path(int directory, const char *name, char *path) {
  char whole[2 * PATH_MAX];
  if (name[0] == '/') snprintf(whole, sizeof whole, "%s", name);
  else if (directory == AT_FDCWD) snprintf(whole, sizeof whole, "./%s", name);
  else snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", directory, name);
  char *slash = strrchr(whole, '/');
  if (slash == NULL) return 0;
  char last[NAME_MAX + 1];
  snprintf(last, sizeof last, "%s", slash + 1);
  *(slash == whole ? slash + 1 : slash) = '\0';
  char parents[PATH_MAX];
  if (realpath(whole, parents) == NULL) return 0;
  return snprintf(path, PATH_MAX, "%s/%s", parents, last) < PATH_MAX;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Whether it strikes at all that follows, too. */
static int lasts(enum mode mode) { return mode >= FULL; }

/* Counts a call. Returns the mode that strikes at it, or COUNT. */
static enum mode strike(const char *call, const char *what, const char *to, size_t bytes, int is_write) {
  enum mode mode = (enum mode)atomic_load(&control->mode);
  if ((mode == NO_SPACE || mode == FULL) && !is_write) return COUNT;
  uint32_t number = atomic_fetch_add(&control->calls, 1) + 1;
  uint32_t target = atomic_load(&control->target);
  if (mode == COUNT || (lasts(mode) ? number < target : number != target)) return COUNT;
  if (number == target) {
    if (is_write) snprintf(control->what, sizeof control->what, "%s %s, %zu bytes", call, what, bytes);
    else snprintf(control->what, sizeof control->what, "%s %s%s%s", call, what, to ? " -> " : "", to ? to : "");
    atomic_store(&control->hit, number);
  }
  if (mode == KILL || (mode == TEAR && !is_write)) die();
  return mode;
}

static enum mode on_file(const char *call, int fd, size_t bytes, int is_write) {
  if (control == NULL) return COUNT;
  int before = errno;
  enum mode mode = COUNT;
  struct stat found;
  char path[PATH_MAX];
  if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && path_of(fd, path)) {
    const char *rest = below(path);
    if (rest != NULL) mode = strike(call, rest, NULL, bytes, is_write);
  }
  errno = before;
  return mode;
}

static enum mode on_name(const char *call, int directory, const char *name, int new_directory, const char *new_name) {
  if (control == NULL) return COUNT;
  int before = errno;
  enum mode mode = COUNT;
  char path[PATH_MAX];
  char new_path[PATH_MAX];
  const char *rest = full_path(directory, name, path) ? below(path) : NULL;
  const char *to = new_name != NULL && full_path(new_directory, new_name, new_path) ? below(new_path) : NULL;
  if (rest != NULL || to != NULL) mode = strike(call, rest ? rest : name, to, 0, 0);
  errno = before;
  return mode;
}

/* The mode that refuses a new name below the root: what makes one is not counted, but a disk that has become read-only takes none. */
static enum mode on_new_name(const char *name) {
  if (control == NULL || atomic_load(&control->hit) == 0) return COUNT;
  enum mode mode = (enum mode)atomic_load(&control->mode);
  char path[PATH_MAX];
  return mode >= READ_ONLY && full_path(AT_FDCWD, name, path) && below(path) != NULL ? mode : COUNT;
}

static int error_of(enum mode mode) { return mode == READ_ONLY ? EROFS : mode == BROKEN ? EIO : ENOSPC; }

static size_t sum(const struct iovec *parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i += 1) bytes += parts[i].iov_len;
  return bytes;
}

/* What a struck call answers, if it still answers. */
#define REFUSE(how)                                         \
  do {                                                      \
    enum mode struck = (how);                               \
    if (struck >= NO_SPACE) {                               \
      errno = error_of(struck);                             \
      return -1;                                            \
    }                                                       \
  } while (0)

ssize_t write(int fd, const void *data, size_t bytes) {
  resolve();
  enum mode mode = on_file("write", fd, bytes, 1);
  REFUSE(mode);
  if (mode == TEAR) {
    real_write(fd, data, bytes / 2);
    die();
  }
  return real_write(fd, data, bytes);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  resolve();
  enum mode mode = on_file("writev", fd, sum(parts, count), 1);
  REFUSE(mode);
  if (mode == TEAR) {
    real_write(fd, parts[0].iov_base, parts[0].iov_len / 2);
    die();
  }
  return real_writev(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) {
  resolve();
  enum mode mode = on_file("pwrite", fd, bytes, 1);
  REFUSE(mode);
  if (mode == TEAR) {
    real_pwrite(fd, data, bytes / 2, at);
    die();
  }
  return real_pwrite(fd, data, bytes, at);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) { return pwrite64(fd, data, bytes, at); }

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  resolve();
  enum mode mode = on_file("pwritev", fd, sum(parts, count), 1);
  REFUSE(mode);
  if (mode == TEAR) {
    real_pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2, at);
    die();
  }
  return real_pwritev(fd, parts, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

ssize_t sendfile64(int to, int from, off64_t *at, size_t bytes) {
  resolve();
  enum mode mode = on_file("sendfile", to, bytes, 1);
  REFUSE(mode);
  if (mode == TEAR) {
    real_sendfile(to, from, at, bytes / 2);
    die();
  }
  return real_sendfile(to, from, at, bytes);
}

ssize_t sendfile(int to, int from, off_t *at, size_t bytes) { return sendfile64(to, from, at, bytes); }

/* libuv copies a file by sharing its blocks, or by copy_file_range as a bare system call; told that there is neither, it takes sendfile. */
int ioctl(int fd, unsigned long request, ...) {
  static int (*real_ioctl)(int, unsigned long, ...);
  if (real_ioctl == NULL) real_ioctl = need("ioctl");
  if (request == FICLONE) {
    errno = EOPNOTSUPP;
    return -1;
  }
  __builtin_va_list rest;
  __builtin_va_start(rest, request);
  void *given = __builtin_va_arg(rest, void *);
  __builtin_va_end(rest);
  return real_ioctl(fd, request, given);
}

long syscall(long number, ...) {
  static long (*real_syscall)(long, ...);
  if (real_syscall == NULL) real_syscall = need("syscall");
  if (number == SYS_copy_file_range) {
    errno = ENOSYS;
    return -1;
  }
  __builtin_va_list rest;
  __builtin_va_start(rest, number);
  long given[6];
  for (int i = 0; i < 6; i += 1) given[i] = __builtin_va_arg(rest, long);
  __builtin_va_end(rest);
  return real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

int fsync(int fd) {
  resolve();
  REFUSE(on_file("fsync", fd, 0, 0));
  return real_fsync(fd);
}

int fdatasync(int fd) {
  resolve();
  REFUSE(on_file("fdatasync", fd, 0, 0));
  return real_fdatasync(fd);
}

int rename(const char *from, const char *to) {
  resolve();
  REFUSE(on_name("rename", AT_FDCWD, from, AT_FDCWD, to));
  return real_rename(from, to);
}

int renameat(int directory, const char *from, int new_directory, const char *to) {
  resolve();
  REFUSE(on_name("renameat", directory, from, new_directory, to));
  return real_renameat(directory, from, new_directory, to);
}

int renameat2(int directory, const char *from, int new_directory, const char *to, unsigned int flags) {
  resolve();
  REFUSE(on_name("renameat2", directory, from, new_directory, to));
  return real_renameat2(directory, from, new_directory, to, flags);
}

int unlink(const char *path) {
  resolve();
  REFUSE(on_name("unlink", AT_FDCWD, path, AT_FDCWD, NULL));
  return real_unlink(path);
}

int unlinkat(int directory, const char *path, int flags) {
  resolve();
  REFUSE(on_name("unlinkat", directory, path, AT_FDCWD, NULL));
  return real_unlinkat(directory, path, flags);
}

/* Whether open(2) has a third argument. */
static int makes_file(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

static int open_or_refuse(const char *path, int flags, mode_t permissions) {
  resolve();
  int writes = (flags & O_ACCMODE) != O_RDONLY || (makes_file(flags) && access(path, F_OK) != 0);
  if (writes) REFUSE(on_new_name(path));
  return real_open(path, flags, permissions);
}

#define OPEN(name)                                              \
  int name(const char *path, int flags, ...) {                  \
    __builtin_va_list rest;                                     \
    __builtin_va_start(rest, flags);                            \
    mode_t permissions = makes_file(flags) ? __builtin_va_arg(rest, mode_t) : 0; \
    __builtin_va_end(rest);                                     \
    return open_or_refuse(path, flags, permissions);            \
  }

OPEN(open64)
OPEN(open)

int mkdir(const char *path, mode_t permissions) {
  resolve();
  REFUSE(on_new_name(path));
  return real_mkdir(path, permissions);
}
