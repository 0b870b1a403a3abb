#pragma once

#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <cstddef>
#include <map>
#include <memory>

/// \file
/// Failing each step of a conversation in turn: whatever works over a stream is run with the first read failing, then
/// with the second, and so on; and the same for writes.
namespace caropig::testkit {

/// A Stream that hands everything on to another one, but for the faults that a test asks for. Reads and writes are
/// counted from 1, a part of a file as a write. A fault ends with its error at once, without touching the stream below.
class FaultStream final : public net::Stream {
public:
    explicit FaultStream(std::unique_ptr<net::Stream> below) noexcept : below_(std::move(below)) {}

    /// The n-th read, or write, fails with `error` (an errno value).
    FaultStream& fail_read(int n, int error);
    FaultStream& fail_write(int n, int error);
    /// The n-th read brings at most `size` bytes (at least 1); the rest comes with the next. Only reads into a given
    /// buffer can be cut short.
    FaultStream& shorten_read(int n, std::size_t size);
    /// Every read brings at most `size` bytes.
    FaultStream& shorten_reads(std::size_t size);

    [[nodiscard]] int reads() const noexcept { return reads_; }
    [[nodiscard]] int writes() const noexcept { return writes_; }

    void shutdown_write() noexcept override { below_->shutdown_write(); }
    void close() noexcept override { below_->close(); }
    [[nodiscard]] std::string peer() const override { return below_->peer(); }
    [[nodiscard]] Loop& loop() const noexcept override { return below_->loop(); }
    bool submit(ReceiveOperation& operation) noexcept override;
    bool submit(SendOperation& operation) noexcept override;
    bool submit(HangupOperation& operation) noexcept override { return below_->submit(operation); }
    void cancel(Operation& operation) noexcept override { below_->cancel(operation); }
    bool submit_file(SendFileOperation& operation) noexcept override;

private:
    template <class Kind>
    bool submit_write(Kind& operation) noexcept;

    std::unique_ptr<net::Stream> below_;
    std::map<int, int> read_errors_;
    std::map<int, int> write_errors_;
    std::map<int, std::size_t> read_sizes_;
    std::size_t every_read_ = static_cast<std::size_t>(-1);
    int reads_ = 0;
    int writes_ = 0;
};

}  // namespace caropig::testkit
