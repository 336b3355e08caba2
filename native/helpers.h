// Threads that stand by for work which one core would take too long over.
#ifndef HUELINE_NATIVE_HELPERS_H_
#define HUELINE_NATIVE_HELPERS_H_

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace hueline {

// Linux lets a thread that is made or woken begin on its waker's core and may take a tick or two (4 ms each) to move it, even if
// another core is idle: of a checkpoint's 10 ms that was 1 to 7. So helpers are kept off their caller's core.
class Helpers {
 public:
  // Those of the process. Never destroyed: they may be at work when the process ends.
  static Helpers& Shared() {
    static Helpers* const shared = new Helpers;
    return *shared;
  }

  // Runs `work` on this thread and on up to `wanted` others at the same time; returns when all of them have returned. It must
  // not throw, and there must be sense in running it on this thread alone: helpers may be busy, or the system may refuse them.
  void Join(size_t wanted, const std::function<void()>& work) {
    if (wanted == 0) return work();
    Call call{&work, wanted, 0};
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      StartUntil(wanted);
      LeaveThisCore();
      calls_.push_back(&call);
    }
    for (size_t i = 0; i < wanted; i++) called_.notify_one();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    calls_.erase(std::remove(calls_.begin(), calls_.end(), &call), calls_.end());  // whoever has not begun need not
    returned_.wait(lock, [&] { return call.running == 0; });
  }

 private:
  struct Call {
    const std::function<void()>* work;
    size_t wanted, running;
  };

  Helpers() = default;

  void StartUntil(size_t count) {
    threads_.reserve(count);
    try {
      while (threads_.size() < count) {
        std::thread thread(&Helpers::Serve, this);
        threads_.push_back(thread.native_handle());
        thread.detach();
      }
    } catch (const std::system_error&) {  // no more threads: the work gets done by those there are
    }
  }

  // The cores that the caller may use but for the one that it is on. What fails here costs time at most.
  void LeaveThisCore() {
#if defined(__linux__)
    cpu_set_t cores;
    const int here = sched_getcpu();
    if (here < 0 || sched_getaffinity(0, sizeof cores, &cores) != 0) return;
    CPU_CLR(here, &cores);
    if (CPU_COUNT(&cores) == 0) return;
    for (const auto thread : threads_) pthread_setaffinity_np(thread, sizeof cores, &cores);
#endif
  }

  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      called_.wait(lock, [&] { return !calls_.empty(); });
      Call* const call = calls_.front();
      if (--call->wanted == 0) calls_.pop_front();
      call->running++;
      lock.unlock();
      (*call->work)();
      lock.lock();
      call->running--;
      returned_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable called_, returned_;
  std::deque<Call*> calls_;
  std::vector<std::thread::native_handle_type> threads_;
};

}  // namespace hueline

#endif  // HUELINE_NATIVE_HELPERS_H_
