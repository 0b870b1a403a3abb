#include <caropig/base/check.h>
#include <caropig/loop/loop.h>
#include <caropig/testkit/fault_stream.h>

#include <algorithm>

namespace caropig::testkit {

FaultStream& FaultStream::fail_read(int n, int error) {
    read_errors_[n] = error;
    return *this;
}

FaultStream& FaultStream::fail_write(int n, int error) {
    write_errors_[n] = error;
    return *this;
}

FaultStream& FaultStream::shorten_read(int n, std::size_t size) {
    CAROPIG_CHECK(size > 0, "a read of no bytes would look like the end of the stream");
    read_sizes_[n] = size;
    return *this;
}

FaultStream& FaultStream::shorten_reads(std::size_t size) {
    CAROPIG_CHECK(size > 0, "a read of no bytes would look like the end of the stream");
    every_read_ = size;
    return *this;
}

bool FaultStream::submit(ReceiveOperation& operation) noexcept {
    int n = ++reads_;
    if (auto fault = read_errors_.find(n); fault != read_errors_.end()) {
        operation.complete_later(loop(), -fault->second);
        return false;
    }
    std::size_t most = every_read_;
    if (auto shorter = read_sizes_.find(n); shorter != read_sizes_.end()) most = std::min(most, shorter->second);
    if (!operation.buffer.empty()) operation.buffer = operation.buffer.first(std::min(operation.buffer.size(), most));
    return below_->submit(operation);
}

template <class Kind>
bool FaultStream::submit_write(Kind& operation) noexcept {
    int n = ++writes_;
    if (auto fault = write_errors_.find(n); fault != write_errors_.end()) {
        operation.sent = 0;
        operation.complete_later(loop(), -fault->second);
        return false;
    }
    return below_->submit(operation);
}

bool FaultStream::submit(SendOperation& operation) noexcept { return submit_write(operation); }
bool FaultStream::submit_file(SendFileOperation& operation) noexcept { return submit_write(operation); }

}  // namespace caropig::testkit
