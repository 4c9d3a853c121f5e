/* A disk that loses what was not flushed, for crash tests: preload it into a server.
 *
 * Writes to files whose path contains BATON_DISK_WATCH go to the file as ever, so that the process reads what it wrote.
 * What would survive a power cut stands beside each of them in <path>.durable: only fsync and fdatasync bring it there,
 * each after a delay of BATON_DISK_DELAY_US. BATON_DISK_FAIL_AFTER makes every flush after that many fail with EIO, or as
 * many of them as BATON_DISK_FAIL_TIMES says; BATON_DISK_FULL_AFTER every write after so many flushes with ENOSPC.
 * BATON_DISK_KILL_BEFORE ends the process right before that flush, BATON_DISK_KILL_AFTER right after it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FD 1024
#define MAX_RANGES 65536

struct range { off_t from, to; };

struct watched {
    int durable; /* descriptor of <path>.durable; 0 where the file is not watched */
    int count;
    struct range *ranges;
};

static struct watched files[MAX_FD];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long flushes;

static ssize_t (*real_pwrite64)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_close)(int);

__attribute__((constructor)) static void find(void) {
    real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_close = dlsym(RTLD_NEXT, "close");
}

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? atol(text) : otherwise;
}

/* Brings [from, to) of the file to its durable copy. */
static void copy(int fd, int durable, off_t from, off_t to) {
    char buffer[65536];
    while (from < to) {
        size_t wanted = to - from < (off_t)sizeof buffer ? (size_t)(to - from) : sizeof buffer;
        ssize_t got = pread(fd, buffer, wanted, from);
        if (got <= 0) return;
        if (real_pwrite64(durable, buffer, got, from) != got) abort();
        from += got;
    }
}

static void watch(int fd, const char *path) {
    const char *part = getenv("BATON_DISK_WATCH");
    if (fd < 0 || fd >= MAX_FD || !part || !strstr(path, part)) return;
    size_t length = strlen(path);
    int sqlite = length > 3 && (!strcmp(path + length - 3, ".db") || !strcmp(path + length - 4, "-wal"));
    if (!sqlite) return;
    char name[4096];
    snprintf(name, sizeof name, "%s.durable", path);
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    struct stat known;
    int is_new = stat(name, &known) != 0;
    int durable = real_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (durable < 0) abort();
    pthread_mutex_lock(&lock);
    if (is_new) {
        struct stat now;
        if (fstat(fd, &now) == 0) copy(fd, durable, 0, now.st_size);
    }
    files[fd].durable = durable;
    files[fd].count = 0;
    if (!files[fd].ranges) files[fd].ranges = calloc(MAX_RANGES, sizeof(struct range));
    pthread_mutex_unlock(&lock);
}

static void wrote(int fd, off_t from, ssize_t length) {
    if (fd < 0 || fd >= MAX_FD || !files[fd].durable || length <= 0) return;
    pthread_mutex_lock(&lock);
    struct watched *file = &files[fd];
    struct range *last = file->count ? &file->ranges[file->count - 1] : NULL;
    if (last && last->to == from) last->to = from + length;
    else if (file->count < MAX_RANGES) file->ranges[file->count++] = (struct range){from, from + length};
    else abort();
    pthread_mutex_unlock(&lock);
}

/* Another descriptor of the same file may have written: a flush is of the file. */
static int flush(int fd, int (*real)(int)) {
    if (fd < 0 || fd >= MAX_FD || !files[fd].durable) return real(fd);
    long delay = setting("BATON_DISK_DELAY_US", 0);
    if (delay > 0) usleep(delay);
    long limit = setting("BATON_DISK_FAIL_AFTER", -1);
    long number = __sync_add_and_fetch(&flushes, 1);
    long times = setting("BATON_DISK_FAIL_TIMES", -1);
    if (number == setting("BATON_DISK_KILL_BEFORE", -1)) raise(SIGKILL);
    if (limit >= 0 && number > limit && (times < 0 || number <= limit + times)) {
        errno = EIO;
        return -1;
    }
    struct stat mine, other;
    if (fstat(fd, &mine) != 0) return -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_FD; i++) {
        struct watched *file = &files[i];
        if (!file->durable || fstat(i, &other) != 0) continue;
        if (mine.st_ino != other.st_ino || mine.st_dev != other.st_dev) continue;
        for (int n = 0; n < file->count; n++) copy(i, file->durable, file->ranges[n].from, file->ranges[n].to);
        file->count = 0;
        if (ftruncate(file->durable, mine.st_size) != 0) abort();
    }
    pthread_mutex_unlock(&lock);
    if (number == setting("BATON_DISK_KILL_AFTER", -1)) raise(SIGKILL);
    return 0;
}

int fsync(int fd) {
    return flush(fd, dlsym(RTLD_NEXT, "fsync"));
}

int fdatasync(int fd) {
    return flush(fd, dlsym(RTLD_NEXT, "fdatasync"));
}

static int is_full(int fd) {
    if (fd < 0 || fd >= MAX_FD || !files[fd].durable) return 0;
    long limit = setting("BATON_DISK_FULL_AFTER", -1);
    return limit >= 0 && __sync_add_and_fetch(&flushes, 0) >= limit;
}

ssize_t pwrite64(int fd, const void *from, size_t length, off_t at) {
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t done = real_pwrite64(fd, from, length, at);
    wrote(fd, at, done);
    return done;
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
    return pwrite64(fd, from, length, at);
}

ssize_t write(int fd, const void *from, size_t length) {
    int watched = fd >= 0 && fd < MAX_FD && files[fd].durable;
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    off_t at = watched ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = real_write(fd, from, length);
    if (watched) wrote(fd, at, done);
    return done;
}

int close(int fd) {
    if (fd >= 0 && fd < MAX_FD && files[fd].durable) {
        pthread_mutex_lock(&lock);
        /* Dirty ranges of a closed descriptor are lost with it: a close is no flush. */
        real_close(files[fd].durable);
        files[fd].durable = 0;
        files[fd].count = 0;
        pthread_mutex_unlock(&lock);
    }
    return real_close(fd);
}

#define OPEN(name)                                                             \
    int name(const char *path, int flags, ...) {                               \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);         \
        mode_t mode = 0;                                                       \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                 \
            va_list rest;                                                      \
            va_start(rest, flags);                                             \
            mode = va_arg(rest, mode_t);                                       \
            va_end(rest);                                                      \
        }                                                                      \
        int fd = real(path, flags, mode);                                      \
        watch(fd, path);                                                       \
        return fd;                                                             \
    }

OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                           \
    int name(int folder, const char *path, int flags, ...) {                   \
        int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);    \
        mode_t mode = 0;                                                       \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                 \
            va_list rest;                                                      \
            va_start(rest, flags);                                             \
            mode = va_arg(rest, mode_t);                                       \
            va_end(rest);                                                      \
        }                                                                      \
        int fd = real(folder, path, flags, mode);                              \
        watch(fd, path);                                                       \
        return fd;                                                             \
    }

OPENAT(openat)
OPENAT(openat64)

int unlink(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    int done = real(path);
    size_t length = strlen(path);
    if (done == 0 && length > 4 && !strcmp(path + length - 4, "-wal")) {
        char name[4096];
        snprintf(name, sizeof name, "%s.durable", path);
        struct stat known;
        if (stat(name, &known) == 0) real(name);
    }
    return done;
}
