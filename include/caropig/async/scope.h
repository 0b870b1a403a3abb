#pragma once

#include <caropig/async/task_group.h>

#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>

/// \file
/// Work that runs beside the coroutine that started it needs an owner, or it outlives what it refers to. A Scope owns
/// what it spawns, cancels it when one of it fails, and can't end before it has. There is no detach.
namespace caropig {

/// Whether T only borrows what it shows, so that a task that keeps it would outlive it. Specialize it for your own.
template <class T>
inline constexpr bool is_borrowed_view = false;
template <class Char, class Traits>
inline constexpr bool is_borrowed_view<std::basic_string_view<Char, Traits>> = true;
template <class T, std::size_t Extent>
inline constexpr bool is_borrowed_view<std::span<T, Extent>> = true;
template <class T>
inline constexpr bool is_borrowed_view<std::initializer_list<T>> = true;

namespace detail {

/// Rejects what GCC 12 destroys twice: a temporary closure inside of a co_await expression.
template <class Callable>
constexpr void check_awaited_callable() {
    static_assert(std::is_lvalue_reference_v<Callable> || std::is_trivially_destructible_v<Callable>,
                  "GCC 12 destroys a temporary closure twice inside of a co_await expression: give it a name first and "
                  "pass the name, or std::ref(name)");
}

/// Owns a callable and its arguments for as long as the task that it makes runs.
template <class Callable, class... Args>
Task<void> own_and_run(Callable callable, Args... args) {
    co_await std::invoke(callable, std::move(args)...);
}

}  // namespace detail

/// Owns tasks that run side by side. Used on its executor's thread. `co_await scope.join()` before it is destroyed: a
/// check fails otherwise. In a coroutine with_scope() sees to that.
class Scope {
public:
    /// Children run on `executor` and are cancelled with `parent` (may be null); both must outlive the scope.
    explicit Scope(Executor& executor, CancellationSource* parent = nullptr) noexcept
        : executor_(executor), cancellation_(parent) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { CAROPIG_CHECK(size_ == 0, "a Scope was destroyed before its tasks were joined"); }

    /// Runs `callable(args...)`, which gives a Task<void>, at once until it first waits, then beside the caller.
    /// Callable and arguments are copied or moved in and live as long as the task: a capturing coroutine lambda is safe
    /// here, what it captures by reference must outlive the scope. Pass std::ref(x) for a parameter that is a
    /// reference.
    template <class Callable, class... Args>
    void spawn(Callable&& callable, Args&&... args) {
        static_assert(!detail::is_task<std::decay_t<Callable>>,
                      "Scope::spawn takes a callable and its arguments, which it owns, not a Task: write "
                      "scope.spawn(function, argument), since a task may refer to what dies before the scope");
        static_assert(!(is_borrowed_view<std::decay_t<Args>> || ...),
                      "Scope::spawn would keep a view whose memory may die before the task: pass a std::string or a "
                      "std::vector, or std::ref of what outlives the scope");
        if constexpr (!detail::is_task<std::decay_t<Callable>>) {
            using Result = std::invoke_result_t<std::decay_t<Callable>&, std::decay_t<Args>...>;
            static_assert(std::is_same_v<Result, Task<void>>, "Scope::spawn needs a callable that returns Task<void>");
            start(detail::own_and_run<std::decay_t<Callable>, std::decay_t<Args>...>(std::forward<Callable>(callable),
                                                                                     std::forward<Args>(args)...));
        }
    }

    /// Waits until no child is left, then throws the first exception that a child ended with; further ones are logged,
    /// and Cancelled counts as no failure. When the awaiting coroutine is cancelled, the children are, and it throws
    /// Cancelled once they have ended. Afterwards the scope can be used again.
    Task<void> join();

    /// Asks the children to end, those spawned later too. Idempotent. It does not wait.
    void cancel() noexcept { cancellation_.request(); }

    /// Children that have not ended.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// What the children run under.
    [[nodiscard]] CancellationSource& cancellation() noexcept { return cancellation_; }

private:
    template <class Body>
    friend std::invoke_result_t<Body&, Scope&> run_with_scope(Body body);
    struct Child;
    class JoinAwaiter;

    void start(Task<void> task);
    /// Keeps the first failure, logs any other, and cancels the children and the body.
    void fail(const std::exception_ptr& exception) noexcept;
    /// Waits for the children; whether the awaiting coroutine was cancelled meanwhile.
    Task<bool> join_children();
    void rethrow_if_failed();

    Executor& executor_;
    CancellationSource cancellation_;
    CancellationSource* body_ = nullptr;  // of with_scope: asked to end when a child fails
    detail::WaiterList joiners_;
    std::exception_ptr failure_;
    std::size_t size_ = 0;
};

/// What with_scope() runs, with the body owned by its frame.
template <class Body>
std::invoke_result_t<Body&, Scope&> run_with_scope(Body body) {
    using T = typename std::invoke_result_t<Body&, Scope&>::value_type;
    detail::TaskContext context = co_await current_context();
    CancellationSource body_cancellation(context.cancellation);  // before the scope's: the body is asked first
    Scope scope(*context.executor, context.cancellation);
    scope.body_ = &body_cancellation;

    std::optional<detail::ValueOf<T>> value;
    bool cut_off = false;
    {
        detail::TaskContext body_context{context.executor, &body_cancellation};
        detail::TaskGroup group(body_context, detail::TaskGroup::EndsWith::kAll);
        detail::GroupMember<T> member(std::invoke(body, scope));
        member.start(group, 0);
        co_await group.ended();
        value = std::move(member.value());
        if (group.exception()) scope.fail(group.exception());
        if (!value) scope.cancel();
    }
    if (scope.size() != 0) cut_off = co_await scope.join_children();
    scope.rethrow_if_failed();
    if (!value || cut_off) throw Cancelled();
    if constexpr (!std::is_void_v<T>) co_return *std::move(value);
}

/// Runs `body(scope)`, a coroutine, and then waits for what it has spawned: `co_await with_scope([&](Scope& scope) ->
/// Task<int> { … })`. The value is the body's. When the body throws, the children are cancelled; when a child throws,
/// the other children and the body are; the first exception is thrown once all have ended, further ones are logged.
/// When the caller is cancelled, the body is asked to end before the children are. The body may capture by reference. A
/// body whose captures need destruction must have a name (a bug of GCC 12).
template <class Body>
[[nodiscard("a Task does nothing until it is awaited")]] auto with_scope(Body&& body) {
    detail::check_awaited_callable<Body>();
    return run_with_scope<std::decay_t<Body>>(std::forward<Body>(body));
}

}  // namespace caropig
