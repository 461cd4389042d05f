/* A program that this is preloaded into has a clock that is off by WRONG_CLOCK_SECONDS. Time passes as it does. libfaketime
   does the same, but doesn't know C11's cnd_timedwait, with which Kafka's client waits. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static time_t off_by(void) {
    const char *seconds = getenv("WRONG_CLOCK_SECONDS");
    return seconds ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += off_by();
    }
    return (int)failed;
}

int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) {
        *now = precise.tv_sec;
    }
    return precise.tv_sec;
}

/* A deadline is one of the wrong clock; the kernel has the right one. */
static struct timespec right(const struct timespec *deadline) {
    struct timespec right = *deadline;
    right.tv_sec -= off_by();
    return right;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
    typedef int wait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    struct timespec until = right(deadline);
    return ((wait *)dlsym(RTLD_NEXT, "pthread_cond_timedwait"))(condition, mutex, &until);
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict deadline) {
    typedef int wait(cnd_t *, mtx_t *, const struct timespec *);
    struct timespec until = right(deadline);
    return ((wait *)dlsym(RTLD_NEXT, "cnd_timedwait"))(condition, mutex, &until);
}
