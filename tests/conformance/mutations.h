#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Requests that are nearly right: the rows of the suite and the fuzzers' corpus, changed as an attacker would.
namespace caropig::conformance {

/// Inputs of all rows, and what the fuzzer of requests begins with.
std::vector<std::string> seed_inputs();

/// Makes inputs for ever, the same ones from the same seed.
class Mutator {
public:
    Mutator(const std::vector<std::string>& corpus, std::uint32_t seed) : corpus_(corpus), random_(seed) {}

    std::string next();
    std::size_t below(std::size_t bound) { return random_() % bound; }

private:
    const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
    void change(std::string& text);

    const std::vector<std::string>& corpus_;
    std::mt19937 random_;
};

}  // namespace caropig::conformance
