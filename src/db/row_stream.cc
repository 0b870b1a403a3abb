#include "db/execution.h"
#include <caropig/db/session.h>

#include <utility>

namespace caropig::db {

/// The statement that is being read, and the rows that have been fetched but not yet given out.
class detail::StreamState {
public:
    StreamState(const Source& source, Statement run) : statement(std::move(run)), execution(source) {}

    Statement statement;
    Execution execution;
    Columns columns;
    std::vector<Value> cells;
    std::size_t rows = 0;
    std::size_t given = 0;
    Batch batch;
    bool ended = false;
};

RowStream::RowStream(std::unique_ptr<detail::StreamState> state) noexcept : state_(std::move(state)) {}
RowStream::RowStream(RowStream&& other) noexcept = default;
RowStream& RowStream::operator=(RowStream&& other) noexcept = default;
RowStream::~RowStream() = default;

Task<std::optional<Row>> RowStream::next() {
    detail::StreamState& state = *state_;
    if (state.given == state.rows && !state.ended) {
        state.cells.clear();
        state.rows = state.given = 0;
        state.execution.restart_deadline(co_await current_context());
        Task<std::size_t> fetching = state.execution.connection().fetch(state.cells, state.batch.next());
        try {
            const detail::Running running(state.execution.lease());
            state.rows = co_await state.execution.deadline().run(fetching);
        } catch (...) {
            state.ended = true;
            state.execution.fail();
        }
        state.batch.add(state.cells, state.rows);
        if (state.rows == 0) {
            state.ended = true;
            state.execution.finish();
        }
    }
    if (state.given == state.rows) co_return std::nullopt;
    const Value* cells = state.cells.data() + state.given++ * state.columns->size();
    co_return Row(*state.columns, cells);
}

Task<void> RowStream::close() {
    detail::StreamState& state = *state_;
    state.rows = state.given = 0;
    if (std::exchange(state.ended, true)) co_return;
    co_await state.execution.abandon();
}

const std::vector<std::string>& RowStream::columns() const noexcept { return *state_->columns; }

Task<RowStream> detail::run_stream(Source source, Statement statement) {
    auto state = std::make_unique<StreamState>(source, std::move(statement));
    state->columns = co_await state->execution.start(state->statement.text(), state->statement.arguments());
    if (state->columns == nullptr) state->columns = std::make_shared<const std::vector<std::string>>();
    co_return RowStream(std::move(state));
}

}  // namespace caropig::db
