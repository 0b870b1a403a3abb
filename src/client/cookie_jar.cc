#include "client/public_suffix.h"
#include <caropig/client/cookie_jar.h>
#include <caropig/http/chars.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace caropig::client {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// RFC 6265 5.1.3.
bool domain_matches(std::string_view host, std::string_view domain) noexcept {
    if (host == domain) return true;
    return host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.' && !is_ip_address(host);
}

/// RFC 6265 5.1.4.
bool path_matches(std::string_view path, std::string_view prefix) noexcept {
    if (!path.starts_with(prefix)) return false;
    return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

/// The path of a cookie that names none (RFC 6265 5.1.4).
std::string default_path(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
    return http::iequals(name.substr(0, prefix.size()), prefix);
}

std::int64_t expiry(const http::SetCookie& set, std::int64_t now) noexcept {
    if (!set.max_age) return set.expires.value_or(kNever);
    if (*set.max_age == 0) return std::numeric_limits<std::int64_t>::min();
    return *set.max_age > kNever - std::max<std::int64_t>(now, 0) ? kNever : now + *set.max_age;
}

}  // namespace

void CookieJar::store(const http::Url& url, const http::Headers& fields, std::int64_t now) {
    for (const http::HeaderView field : fields) {
        if (!http::iequals(field.name, "Set-Cookie")) continue;
        if (std::optional<http::SetCookie> set = http::parse_set_cookie(field.value)) {
            store_one(url, *std::move(set), now);
        }
    }
}

void CookieJar::store_one(const http::Url& url, http::SetCookie set, std::int64_t now) {
    const bool over_tls = url.scheme == "https";
    // A server may say its own name, also where others could register names below it; it means itself alone then.
    if (set.domain == url.host && (is_ip_address(url.host) || is_public_suffix(url.host))) set.domain.clear();
    if (!set.domain.empty() && (!domain_matches(url.host, set.domain) || is_public_suffix(set.domain))) return;
    if (set.secure && !over_tls) return;
    // A cookie without name is sent as its value alone, which must not look like one with a prefix.
    const std::string_view called = set.name.empty() ? std::string_view(set.value) : std::string_view(set.name);
    const bool of_host = has_prefix(called, "__Host-");
    if ((of_host || has_prefix(called, "__Secure-")) && (!set.secure || set.name.empty())) return;
    if (of_host && (!set.domain.empty() || set.path != "/")) return;

    Stored stored;
    stored.host_only = set.domain.empty();
    if (stored.host_only) set.domain = url.host;
    stored.domain = std::move(set.domain);
    stored.path = set.path.empty() ? default_path(url.path) : std::move(set.path);
    stored.expires = expiry(set, now);
    stored.secure = set.secure;
    stored.name = std::move(set.name);
    stored.value = std::move(set.value);
    stored.used = stored.created = ++ticks_;

    const auto place = sites_.try_emplace(site_of(url.host)).first;
    Site& site = place->second;
    drop_expired(site, now);
    if (!over_tls && std::ranges::any_of(site, [&](const Stored& other) {
            return other.secure && other.name == stored.name && path_matches(stored.path, other.path) &&
                   (domain_matches(other.domain, stored.domain) || domain_matches(stored.domain, other.domain));
        })) {
        return;
    }
    const auto same = std::ranges::find_if(site, [&](const Stored& other) {
        return other.name == stored.name && other.domain == stored.domain && other.path == stored.path &&
               other.host_only == stored.host_only;
    });
    if (same != site.end()) {
        stored.created = same->created;
        erase(site, static_cast<std::size_t>(same - site.begin()));
    }
    if (stored.expires > now) {
        ++count_;
        bytes_ += stored.name.size() + stored.value.size() + stored.domain.size() + stored.path.size();
        site.push_back(std::move(stored));
    }
    drop_beyond_limits(site, now);
    if (site.empty()) sites_.erase(place);
}

std::string CookieJar::cookies_for(const http::Url& url, std::int64_t now) {
    const auto found = sites_.find(site_of(url.host));
    if (found == sites_.end()) return {};
    drop_expired(found->second, now);
    if (found->second.empty()) {
        sites_.erase(found);
        return {};
    }
    std::vector<Stored*> chosen;
    for (Stored& stored : found->second) {
        const bool host = stored.host_only ? stored.domain == url.host : domain_matches(url.host, stored.domain);
        if (!host || !path_matches(url.path, stored.path) || (stored.secure && url.scheme != "https")) continue;
        chosen.push_back(&stored);
    }
    std::ranges::sort(chosen, [](const Stored* a, const Stored* b) {
        return a->path.size() != b->path.size() ? a->path.size() > b->path.size() : a->created < b->created;
    });
    std::string field;
    for (Stored* stored : chosen) {
        const std::size_t size = stored->name.size() + stored->value.size() + 3;  // "; " and "="
        if (field.size() + size > options_.max_field_bytes()) break;
        if (!field.empty()) field += "; ";
        if (!stored->name.empty()) field += stored->name + '=';
        field += stored->value;
        stored->used = ++ticks_;
    }
    return field;
}

void CookieJar::clear() noexcept {
    sites_.clear();
    count_ = 0;
    bytes_ = 0;
}

void CookieJar::drop_expired(Site& site, std::int64_t now) noexcept {
    for (std::size_t i = site.size(); i > 0; --i) {
        if (site[i - 1].expires <= now) erase(site, i - 1);
    }
}

void CookieJar::drop_beyond_limits(Site& site, std::int64_t now) {
    const auto least_used = [](const Site& among) {
        return std::ranges::min_element(among, {}, &Stored::used) - among.begin();
    };
    while (site.size() > options_.max_cookies_per_site()) erase(site, static_cast<std::size_t>(least_used(site)));
    const auto beyond = [this] { return count_ > options_.max_cookies() || bytes_ > options_.max_bytes(); };
    if (!beyond()) return;
    for (auto& [name, other] : sites_) drop_expired(other, now);
    while (beyond()) {
        Site* oldest = nullptr;
        for (auto& [name, other] : sites_) {
            if (other.empty()) continue;
            const auto used = [&](const Site& among) {
                return among[static_cast<std::size_t>(least_used(among))].used;
            };
            if (oldest == nullptr || used(other) < used(*oldest)) oldest = &other;
        }
        erase(*oldest, static_cast<std::size_t>(least_used(*oldest)));
    }
    // Sites are kept when they become empty, until here or until somebody asks for them.
    std::erase_if(sites_, [&](const auto& entry) { return entry.second.empty() && &entry.second != &site; });
}

void CookieJar::erase(Site& site, std::size_t index) noexcept {
    const Stored& stored = site[index];
    --count_;
    bytes_ -= stored.name.size() + stored.value.size() + stored.domain.size() + stored.path.size();
    if (index + 1 != site.size()) site[index] = std::move(site.back());
    site.pop_back();
}

}  // namespace caropig::client
