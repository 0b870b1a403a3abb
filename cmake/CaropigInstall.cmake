# What `cmake --install` puts down: the layers as static libraries, their headers, a CMake package and a pkg-config file.
# The programs install themselves (apps/CMakeLists.txt). build/*/link.args and caropig_headers serve the tests.
include(CMakePackageConfigHelpers)

add_library(caropig INTERFACE)
add_library(caropig::caropig ALIAS caropig)
target_link_libraries(caropig INTERFACE caropig_web)

# A static library hands the packages that it links on to whoever links it. For each: how find_package() finds it, the
# pkg-config module, or the plain linker flag where there is none.
set(package_of_fmt::fmt "find_dependency(fmt)")
set(module_of_fmt::fmt fmt)
set(package_of_spdlog::spdlog "find_dependency(spdlog)")
set(module_of_spdlog::spdlog spdlog)
set(package_of_CLI11::CLI11 "find_dependency(CLI11)")
set(package_of_Threads::Threads "find_dependency(Threads)")
set(flag_of_Threads::Threads -pthread)
set(package_of_PkgConfig::URING "pkg_check_modules(URING REQUIRED QUIET IMPORTED_TARGET liburing)")
set(module_of_PkgConfig::URING liburing)
set(package_of_PkgConfig::CARES "pkg_check_modules(CARES REQUIRED QUIET IMPORTED_TARGET libcares)")
set(module_of_PkgConfig::CARES libcares)
set(package_of_PkgConfig::SSL "pkg_check_modules(SSL REQUIRED QUIET IMPORTED_TARGET libssl libcrypto)")
set(module_of_PkgConfig::SSL libssl libcrypto)
set(package_of_PkgConfig::RE2 "pkg_check_modules(RE2 REQUIRED QUIET IMPORTED_TARGET re2)")
set(module_of_PkgConfig::RE2 re2)
set(package_of_PkgConfig::CRYPTO "pkg_check_modules(CRYPTO REQUIRED QUIET IMPORTED_TARGET libcrypto)")
set(module_of_PkgConfig::CRYPTO libcrypto)
set(package_of_PkgConfig::SODIUM "pkg_check_modules(SODIUM REQUIRED QUIET IMPORTED_TARGET libsodium)")
set(module_of_PkgConfig::SODIUM libsodium)
set(package_of_PkgConfig::ZLIB "pkg_check_modules(ZLIB REQUIRED QUIET IMPORTED_TARGET zlib)")
set(module_of_PkgConfig::ZLIB zlib)
set(package_of_PkgConfig::BROTLI "pkg_check_modules(BROTLI REQUIRED QUIET IMPORTED_TARGET libbrotlienc libbrotlidec)")
set(module_of_PkgConfig::BROTLI libbrotlienc libbrotlidec)
set(package_of_PkgConfig::ZSTD "pkg_check_modules(ZSTD REQUIRED QUIET IMPORTED_TARGET libzstd)")
set(module_of_PkgConfig::ZSTD libzstd)
set(package_of_PkgConfig::PSL "pkg_check_modules(PSL REQUIRED QUIET IMPORTED_TARGET libpsl)")
set(module_of_PkgConfig::PSL libpsl)
set(package_of_PkgConfig::SQLITE "pkg_check_modules(SQLITE REQUIRED QUIET IMPORTED_TARGET sqlite3)")
set(module_of_PkgConfig::SQLITE sqlite3)
set(package_of_PkgConfig::MARIADB "pkg_check_modules(MARIADB REQUIRED QUIET IMPORTED_TARGET libmariadb)")
set(module_of_PkgConfig::MARIADB libmariadb)
set(package_of_PkgConfig::PQ "pkg_check_modules(PQ REQUIRED QUIET IMPORTED_TARGET libpq)")
set(module_of_PkgConfig::PQ libpq)
set(package_of_Boost::json "find_dependency(boost_json 1.81 CONFIG)")
set(flag_of_Boost::json -lboost_json)

set(CAROPIG_FIND_DEPENDENCIES "")
set(modules "")
set(flags "")
foreach(package IN LISTS CAROPIG_PACKAGES)
  if(NOT package_of_${package})
    message(FATAL_ERROR "a layer links ${package}: say in cmake/CaropigInstall.cmake how an installed CaroPig finds it")
  endif()
  string(APPEND CAROPIG_FIND_DEPENDENCIES "${package_of_${package}}\n")
  list(APPEND modules ${module_of_${package}})
  list(APPEND flags ${flag_of_${package}})
endforeach()

set(libraries ${CAROPIG_LAYERS})
list(REVERSE libraries)  # the linker wants users before what they use
list(TRANSFORM libraries PREPEND -lcaropig_ OUTPUT_VARIABLE library_flags)
list(JOIN library_flags " " CAROPIG_PC_LIBRARIES)
list(JOIN flags " " CAROPIG_PC_FLAGS)
list(JOIN modules ", " CAROPIG_PC_MODULES)

# How a program outside CMake links this build tree; the test of README.md compiles its examples so.
execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --libs ${modules} OUTPUT_VARIABLE module_flags
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
list(TRANSFORM libraries REPLACE "(.+)" "$<TARGET_FILE:caropig_\\1>" OUTPUT_VARIABLE archives)
list(JOIN archives "\n" archives)
set(sanitize_flag "")
if(CAROPIG_SANITIZE)
  set(sanitize_flag "-fsanitize=${CAROPIG_SANITIZE}")
endif()
file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/link.args"
  CONTENT "${archives}\n${module_flags} ${CAROPIG_PC_FLAGS}\n${sanitize_flag}\n")

# Every public header compiled as the only include of a file: `cmake --build build/dev --target caropig_headers`.
file(GLOB_RECURSE headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.h")
set(header_sources "")
foreach(header IN LISTS headers)
  string(REPLACE ".h" ".cc" source "${PROJECT_BINARY_DIR}/headers/${header}")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#include <${header}>\n")
  list(APPEND header_sources "${source}")
endforeach()
add_library(caropig_headers OBJECT EXCLUDE_FROM_ALL ${header_sources})
target_include_directories(caropig_headers PRIVATE "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(caropig_headers PRIVATE caropig_compiler)

option(CAROPIG_INSTALL "Install the library" ${PROJECT_IS_TOP_LEVEL})
if(NOT CAROPIG_INSTALL)
  return()
endif()

list(TRANSFORM CAROPIG_LAYERS PREPEND caropig_ OUTPUT_VARIABLE layers)
install(TARGETS ${layers} caropig EXPORT caropig ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/caropig")
install(EXPORT caropig NAMESPACE caropig:: FILE caropig-targets.cmake DESTINATION "${config_folder}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/caropig-config.cmake.in" caropig-config.cmake
  INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file(caropig-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/caropig-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/caropig-config-version.cmake"
  DESTINATION "${config_folder}")

# The .pc file finds the prefix from where it lies: `cmake --install --prefix` may choose another than was configured.
set(pc_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH CAROPIG_PC_UP "/prefix/${pc_folder}" "/prefix")
string(REGEX REPLACE "/$" "" CAROPIG_PC_UP "${CAROPIG_PC_UP}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/caropig.pc.in" caropig.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/caropig.pc" DESTINATION "${pc_folder}")
