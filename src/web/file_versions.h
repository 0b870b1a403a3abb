#pragma once

#include "web/lazy_pool.h"
#include "web/served_folder.h"

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace caropig::web {

/// Hashes of contents. Those of small files are at hand; others are made by a thread, once for each state of a
/// file. All functions may be called from any thread.
class FileVersions {
public:
    /// Both must outlive it, and the pool's thread ends before it does: destroy the pool first.
    FileVersions(ServedFolder& folder, LazyPool& pool) : folder_(folder), pool_(pool) {}

    /// The hash of `file`, found at `path`; nothing as long as it is not known.
    std::optional<std::string> of(const std::string& path, const ServedFile& file);

private:
    static constexpr std::size_t kMax = 10'000;

    struct Version {
        FileIdentity identity;
        std::string hash;  // empty while it is being made
    };

    void make(const std::string& path, const FileIdentity& identity);

    ServedFolder& folder_;
    LazyPool& pool_;
    std::mutex mutex_;
    std::unordered_map<std::string, Version> versions_;
};

}  // namespace caropig::web
