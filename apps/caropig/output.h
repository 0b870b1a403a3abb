#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// What the command writes.
namespace fetch_command {

/// stdout, or a file that is made or written over.
class Output {
public:
    /// `path` is empty or "-" for stdout. Throws Failure.
    explicit Output(const std::string& path);
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output();

    /// Writes all of it, for as long as that takes. Throws Failure.
    void write(std::string_view bytes);
    /// Ends a file. Throws Failure when the disk says only now that it is full.
    void close();

private:
    std::string name_;
    int fd_;
    bool owns_;
};

/// How a fetch went.
struct Summary {
    int status = 0;
    std::string url;
    std::string content_type;
    std::uint64_t size = 0;
};

/// `format` of -w with its variables and escapes replaced; what is neither stays as it is.
[[nodiscard]] std::string write_out(std::string_view format, const Summary& summary, double seconds);

class Stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace fetch_command
