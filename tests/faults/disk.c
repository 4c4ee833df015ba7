/* A disk that is watched, or that is full: preloaded into a program, for what it does to files under one folder.

   KIZUNA_DISK_ROOT     the folder, as realpath(3) gives it
   KIZUNA_DISK_LOG      a file outside of it: every change and every sync is appended, in the order in which they were done
   KIZUNA_DISK_CONTROL  or another one, which says what fails (struct control below) and counts

   Of all processes one at a time does something and writes it down, so the log's order is the order of events. What is written through
   memory is not seen: SQLite does so to its -shm file only, which is worth nothing after a power failure; of any other file it is told. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record { /* followed by path, other path and data */
    uint32_t magic, op;
    uint64_t file, at, size;
    uint32_t path, other;
};
#define MAGIC 0x4b444b31u

struct control {
    uint64_t writes, syncs; /* so many were asked for */
    uint64_t from;          /* the first that fails; 0: none */
    uint64_t how;
};
enum { EVER = 1, ONCE = 2, SHORT = 3, SYNC_ONCE = 4, SYNC_EVER = 5 };

#define REAL(name)                                                                                                     \
    ({                                                                                                                 \
        static __typeof__(&name) found;                                                                                \
        if (!found) found = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                                \
        found;                                                                                                         \
    })

static const char *root, *log_file, *control_file;

__attribute__((constructor)) static void begin(void) {
    root = getenv("KIZUNA_DISK_ROOT");
    log_file = getenv("KIZUNA_DISK_LOG");
    control_file = getenv("KIZUNA_DISK_CONTROL");
    if (!log_file && !control_file) root = NULL;
}

static int inside(const char *path) {
    size_t length = root ? strlen(root) : 0;
    return length && !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

/* Where a name leads, its folder without links; whether that is inside. */
static int named(int at, const char *path, char *where) {
    char folder[2 * PATH_MAX + 64], real[PATH_MAX];
    if (!root || !path) return 0;
    if (*path == '/' || at == AT_FDCWD) snprintf(folder, sizeof folder, "%s", path);
    else snprintf(folder, sizeof folder, "/proc/self/fd/%d/%s", at, path);
    char *last = strrchr(folder, '/');
    const char *name = last ? last + 1 : folder;
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) return realpath(folder, where) && inside(where);
    if (last) *last = 0;
    if (!realpath(last ? (*folder ? folder : "/") : ".", real)) return 0;
    return snprintf(where, PATH_MAX, "%s/%s", real, name) < PATH_MAX && inside(where);
}

/* The same for what is open; only files and folders are. */
static int held(int fd, struct stat *found, char *where) {
    char link[64];
    if (!root || fstat(fd, found) || !(S_ISREG(found->st_mode) || S_ISDIR(found->st_mode))) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, where, PATH_MAX - 1);
    where[length < 0 ? 0 : length] = 0;
    return inside(where);
}

static int enter(void) {
    int kept = errno;
    int lock = (int)syscall(SYS_openat, AT_FDCWD, log_file ? log_file : control_file, O_RDWR | O_CLOEXEC | (log_file ? O_APPEND : 0), 0);
    if (lock < 0) abort();
    while (flock(lock, LOCK_EX) && errno == EINTR) {}
    errno = kept;
    return lock;
}

static void leave(int lock) {
    int kept = errno;
    syscall(SYS_close, lock);
    errno = kept;
}

static void note(int lock, int op, uint64_t file, uint64_t at, const char *path, const char *other, const void *data, size_t size) {
    if (!log_file) return;
    int kept = errno;
    struct record record = {MAGIC, (uint32_t)op, file, at, size, path ? strlen(path) : 0, other ? strlen(other) : 0};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)path, record.path}, {(void *)other, record.other}, {(void *)data, size}};
    if (syscall(SYS_writev, lock, parts, 4) != (long)(sizeof record + record.path + record.other + size)) abort();
    errno = kept;
}

/* Whether what is asked for now fails: 0, the number of an error, or -1 for a write that ends half way. */
static int fault(int lock, int sync) {
    struct control control;
    if (!control_file) return 0;
    if (syscall(SYS_pread64, lock, &control, sizeof control, 0L) != sizeof control) abort();
    uint64_t now = sync ? ++control.syncs : ++control.writes;
    if (syscall(SYS_pwrite64, lock, &control, sizeof control.writes + sizeof control.syncs, 0L) < 0) abort();
    if (!control.from || now < control.from || sync != (control.how >= SYNC_ONCE)) return 0;
    if ((control.how == ONCE || control.how == SYNC_ONCE) && now != control.from) return 0;
    if (control.how == SHORT && now == control.from) return -1;
    return sync ? EIO : ENOSPC;
}

static int failed(int lock, int error) {
    errno = error < 0 ? ENOSPC : error;
    leave(lock);
    return -1;
}

/* Opening: what is made by it is told, and what is emptied. */

static int opened(int at, const char *path, int flags, mode_t mode) {
    char where[PATH_MAX];
    struct stat found;
    int nameless = (flags & O_TMPFILE) == O_TMPFILE;
    if (!(flags & (O_CREAT | O_TRUNC) || nameless) || !named(at, path, where)) return REAL(openat)(at, path, flags, mode);
    int lock = enter(), made = nameless, fd = -1, error;
    if (flags & O_CREAT && !nameless) {
        fd = REAL(openat)(at, path, flags | O_EXCL | O_NOFOLLOW, mode);
        made = fd >= 0;
        if (fd < 0 && (errno != EEXIST || flags & O_EXCL)) return leave(lock), -1;
    }
    if (fd < 0) fd = REAL(openat)(at, path, flags & (nameless ? ~0 : ~O_CREAT), mode);
    if (fd >= 0 && made && (error = fault(lock, 0))) {
        if (!nameless) syscall(SYS_unlinkat, at, path, 0);
        syscall(SYS_close, fd);
        return failed(lock, error);
    }
    if (fd >= 0 && !fstat(fd, &found)) {
        if (made) note(lock, 'C', found.st_ino, 0, nameless ? "" : where, NULL, NULL, 0);
        else if (flags & O_TRUNC) note(lock, 'T', found.st_ino, 0, NULL, NULL, NULL, 0);
    }
    leave(lock);
    return fd;
}

#define MODE(flags)                                                                                                    \
    mode_t mode = 0;                                                                                                   \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {                                                         \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode = va_arg(more, mode_t);                                                                                   \
        va_end(more);                                                                                                  \
    }
int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }

/* Writing: `at` is where, or -1 for where the file stands. */

static ssize_t written(int fd, const void *data, size_t size, off_t at) {
    struct stat found;
    char where[PATH_MAX];
    if (!held(fd, &found, where)) return at < 0 ? REAL(write)(fd, data, size) : REAL(pwrite)(fd, data, size, at);
    int lock = enter(), error = fault(lock, 0);
    if (error > 0 || (error < 0 && size < 2)) return failed(lock, error);
    if (error < 0) size /= 2;
    ssize_t done = at < 0 ? REAL(write)(fd, data, size) : REAL(pwrite)(fd, data, size, at);
    if (done > 0) note(lock, 'W', found.st_ino, (uint64_t)(at < 0 ? lseek(fd, 0, SEEK_CUR) - done : at), NULL, NULL, data, (size_t)done);
    leave(lock);
    return done;
}

static ssize_t gathered(int fd, const struct iovec *parts, int count, off_t at) {
    size_t size = 0;
    for (int i = 0; i < count; i++) size += parts[i].iov_len;
    char *all = malloc(size ? size : 1), *end = all;
    for (int i = 0; i < count; i++) end = mempcpy(end, parts[i].iov_base, parts[i].iov_len);
    ssize_t done = written(fd, all, size, at);
    int kept = errno;
    free(all);
    errno = kept;
    return done;
}

/* Sockets and pipes are written to in one piece, as they were. */
static int outside(int fd) {
    struct stat found;
    char where[PATH_MAX];
    return !held(fd, &found, where);
}

ssize_t write(int fd, const void *data, size_t size) { return written(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return written(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return written(fd, data, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return outside(fd) ? REAL(writev)(fd, parts, count) : gathered(fd, parts, count, -1);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return outside(fd) ? REAL(pwritev)(fd, parts, count, at) : gathered(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return pwritev(fd, parts, count, at); }

/* Whoever copies in these ways has another. */
ssize_t sendfile(int out, int in, off_t *at, size_t count) {
    return outside(out) ? REAL(sendfile)(out, in, at, count) : (errno = EINVAL, -1);
}
ssize_t sendfile64(int out, int in, off_t *at, size_t count) { return sendfile(out, in, at, count); }
ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t count, unsigned flags) {
    return outside(out) ? REAL(copy_file_range)(in, from, out, to, count, flags) : (errno = EXDEV, -1);
}

/* Lengths: a file that grows takes room. */

static int sized(int fd, off_t size, int grow_only) {
    struct stat found;
    char where[PATH_MAX];
    if (!held(fd, &found, where)) return REAL(ftruncate)(fd, size);
    if (grow_only && size <= found.st_size) return 0;
    int lock = enter(), error = size > found.st_size ? fault(lock, 0) : 0;
    if (error) return failed(lock, error);
    int done = REAL(ftruncate)(fd, size);
    if (!done) note(lock, 'T', found.st_ino, (uint64_t)size, NULL, NULL, NULL, 0);
    leave(lock);
    return done;
}

int ftruncate(int fd, off_t size) { return sized(fd, size, 0); }
int ftruncate64(int fd, off_t size) { return sized(fd, size, 0); }
int truncate(const char *path, off_t size) {
    int fd = REAL(openat)(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int done = sized(fd, size, 0);
    syscall(SYS_close, fd);
    return done;
}
int truncate64(const char *path, off_t size) { return truncate(path, size); }
int fallocate(int fd, int how, off_t at, off_t size) {
    if (outside(fd)) return REAL(fallocate)(fd, how, at, size);
    return how ? (errno = EOPNOTSUPP, -1) : sized(fd, at + size, 1);
}
int fallocate64(int fd, int how, off_t at, off_t size) { return fallocate(fd, how, at, size); }
int posix_fallocate(int fd, off_t at, off_t size) {
    if (outside(fd)) return REAL(posix_fallocate)(fd, at, size);
    return sized(fd, at + size, 1) ? errno : 0;
}
int posix_fallocate64(int fd, off_t at, off_t size) { return posix_fallocate(fd, at, size); }

/* Syncing. sync_file_range(2) promises nothing that counts, so it is not told. */

static int synced(int fd, int (*really)(int)) {
    struct stat found;
    char where[PATH_MAX];
    if (!held(fd, &found, where)) return really(fd);
    int lock = enter(), error = fault(lock, 1);
    if (error) return failed(lock, error);
    /* What the real disk does is not looked at, so nobody waits for it. */
    note(lock, 'S', found.st_ino, 0, S_ISDIR(found.st_mode) ? where : NULL, NULL, NULL, 0);
    leave(lock);
    return 0;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

/* Names. A new one takes room; taking one away gives it back. */

static int renamed(int from, const char *path, int to, const char *other, unsigned flags) {
    char here[PATH_MAX], there[PATH_MAX];
    if (!(named(from, path, here) & named(to, other, there))) return (int)syscall(SYS_renameat2, from, path, to, other, flags);
    int lock = enter(), error = fault(lock, 0);
    if (error) return failed(lock, error);
    int done = (int)syscall(SYS_renameat2, from, path, to, other, flags);
    if (!done) note(lock, 'R', 0, flags, here, there, NULL, 0);
    leave(lock);
    return done;
}

static int unlinked(int at, const char *path, int flags) {
    char where[PATH_MAX];
    if (!named(at, path, where)) return (int)syscall(SYS_unlinkat, at, path, flags);
    int lock = enter();
    int done = (int)syscall(SYS_unlinkat, at, path, flags);
    if (!done) note(lock, 'U', 0, 0, where, NULL, NULL, 0);
    leave(lock);
    return done;
}

static int folder_made(int at, const char *path, mode_t mode) {
    char where[PATH_MAX];
    if (!named(at, path, where)) return (int)syscall(SYS_mkdirat, at, path, mode);
    int lock = enter();
    int done = (int)syscall(SYS_mkdirat, at, path, mode), error = done ? 0 : fault(lock, 0);
    if (error) return syscall(SYS_unlinkat, at, path, AT_REMOVEDIR), failed(lock, error);
    if (!done) note(lock, 'D', 0, 0, where, NULL, NULL, 0);
    leave(lock);
    return done;
}

static int linked(int from, const char *path, int to, const char *other, int flags) {
    char here[PATH_MAX], there[PATH_MAX];
    if (!(named(from, path, here) & named(to, other, there))) return (int)syscall(SYS_linkat, from, path, to, other, flags);
    int lock = enter(), error = fault(lock, 0);
    if (error) return failed(lock, error);
    int done = (int)syscall(SYS_linkat, from, path, to, other, flags);
    if (!done) note(lock, 'L', 0, 0, here, there, NULL, 0);
    leave(lock);
    return done;
}

int rename(const char *path, const char *other) { return renamed(AT_FDCWD, path, AT_FDCWD, other, 0); }
int renameat(int from, const char *path, int to, const char *other) { return renamed(from, path, to, other, 0); }
int renameat2(int from, const char *path, int to, const char *other, unsigned flags) { return renamed(from, path, to, other, flags); }
int unlink(const char *path) { return unlinked(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlinked(at, path, flags); }
int rmdir(const char *path) { return unlinked(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    int done = unlink(path);
    return done && (errno == EISDIR || errno == EPERM) ? rmdir(path) : done;
}
int mkdir(const char *path, mode_t mode) { return folder_made(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return folder_made(at, path, mode); }
int link(const char *path, const char *other) { return linked(AT_FDCWD, path, AT_FDCWD, other, 0); }
int linkat(int from, const char *path, int to, const char *other, int flags) { return linked(from, path, to, other, flags); }

/* Writing through memory is not seen: it is told that somebody may. */

static void *mapped(void *where_to, size_t size, int protection, int flags, int fd, off_t at) {
    struct stat found;
    char where[PATH_MAX];
    if (fd >= 0 && protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE && held(fd, &found, where)) {
        int lock = enter();
        note(lock, 'P', found.st_ino, (uint64_t)at, where, NULL, NULL, 0);
        leave(lock);
    }
    return (void *)syscall(SYS_mmap, where_to, size, protection, flags, fd, at);
}

void *mmap(void *to, size_t size, int protection, int flags, int fd, off_t at) { return mapped(to, size, protection, flags, fd, at); }
void *mmap64(void *to, size_t size, int protection, int flags, int fd, off_t at) { return mapped(to, size, protection, flags, fd, at); }
