#include "web/file_versions.h"

#include "web/digest.h"
#include <caropig/base/error.h>
#include <caropig/base/log.h>

#include <utility>

namespace caropig::web {

std::optional<std::string> FileVersions::of(const std::string& path, const ServedFile& file) {
    if (!file.version.empty()) return file.version;
    if (!file.settled) return std::nullopt;  // it is being written, perhaps
    {
        std::lock_guard lock(mutex_);
        if (versions_.size() >= kMax) versions_.clear();
        Version& known = versions_[path];
        if (known.identity == file.identity) return known.hash.empty() ? std::nullopt : std::optional(known.hash);
        known = {file.identity, {}};
    }
    bool posted = pool_.get().post([this, path, identity = file.identity] { make(path, identity); });
    if (!posted) {  // the next one who asks tries again
        std::lock_guard lock(mutex_);
        versions_.erase(path);
    }
    return std::nullopt;
}

void FileVersions::make(const std::string& path, const FileIdentity& identity) {
    std::string hash;
    try {
        auto file = folder_.find(path, std::nullopt);
        if (file->kind == ServedFile::Kind::kFile && file->identity == identity) {
            hash = file->in_memory ? sha512_hex(file->content.text()) : sha512_hex_of_file(file->file.get());
        }
    } catch (const IoError& error) {
        log::warning("no version of the static file " + path + ": " + error.what());
    }
    std::lock_guard lock(mutex_);
    auto place = versions_.find(path);
    if (place == versions_.end() || place->second.identity != identity) return;
    if (hash.empty()) {
        versions_.erase(place);
    } else {
        place->second.hash = std::move(hash);
    }
}

}  // namespace caropig::web
