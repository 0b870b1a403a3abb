# Flags that every target of this project gets, and the packages that the layers name.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(boost_json 1.81 REQUIRED CONFIG)
find_package(PkgConfig REQUIRED)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(SSL REQUIRED IMPORTED_TARGET libssl libcrypto)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlienc libbrotlidec)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(MARIADB REQUIRED IMPORTED_TARGET libmariadb)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)

add_library(caropig_compiler INTERFACE)
target_compile_features(caropig_compiler INTERFACE cxx_std_23)
target_compile_options(caropig_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -Wunused
  $<$<BOOL:${CAROPIG_WERROR}>:-Werror>
  # GCC 12 reports these inside its own library headers when it inlines coroutines.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-use-after-free
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict -Wno-mismatched-new-delete>
  # GCC 12's std::stable_partition uses what it deprecates; Clang reports that, and GCC still reports what we would use.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
if(CAROPIG_SANITIZE)
  target_compile_options(caropig_compiler INTERFACE
    -fsanitize=${CAROPIG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(caropig_compiler INTERFACE -fsanitize=${CAROPIG_SANITIZE})
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CAROPIG_CCACHE ccache)
  if(CAROPIG_CCACHE AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CAROPIG_CCACHE}")
  endif()
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
