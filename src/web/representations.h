#pragma once

#include "web/lazy_pool.h"
#include "web/served_folder.h"
#include <caropig/async/task.h>
#include <caropig/http/negotiation.h>
#include <caropig/web/static_files.h>

#include <memory>
#include <string>
#include <string_view>

namespace caropig::web {

/// A file in the form that a client gets.
struct Representation {
    std::shared_ptr<const ServedFile> file;
    http::ContentCoding coding = http::ContentCoding::kIdentity;
    std::string future_etag;  ///< of the coded form, as long as
    bool to_be_made = false;  ///< it is not there: `file` is what it has to be made of

    [[nodiscard]] std::string_view etag() const noexcept { return to_be_made ? future_etag : file->etag; }
};

/// The forms that a file has: itself, compressed files beside it, and those that are compressed here. Which one is best
/// is known without making it, so that an unchanged file costs nothing. All functions may be called from any thread.
class Representations {
public:
    /// All must outlive it.
    Representations(const StaticFilesOptions& options, ServedFolder& folder, LazyPool& pool)
        : options_(options), folder_(folder), pool_(pool) {}

    /// The best one of `file`, found at `path`, for a client with that Accept-Encoding.
    Representation choose(const std::string& path, std::shared_ptr<const ServedFile> file,
                          const http::PreferenceList& accepted, TimePoint now);

    /// Whether make() takes no longer than a loop may be held up.
    [[nodiscard]] static bool is_quick(const Representation& representation) noexcept;
    /// Makes what is to be made, here and now; the file itself where that gains nothing or it has changed meanwhile.
    Representation make(const Representation& representation);
    /// The same on a thread of its own. Throws ThreadPoolFull.
    Task<Representation> make_later(Representation representation);

private:
    bool find_sibling(const std::string& path, const http::PreferenceList& accepted, TimePoint now,
                      Representation& best);

    const StaticFilesOptions& options_;
    ServedFolder& folder_;
    LazyPool& pool_;
};

}  // namespace caropig::web
