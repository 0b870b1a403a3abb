# caropig_discover_tests(TARGET PREFIX label...)
#
# Registers every case of a GoogleTest program as PREFIX.Suite.Case. gtest_discover_tests() itself loses all labels but
# the first (CMake 3.25 flattens the list), so a script that CTest includes sets them.
include(GoogleTest)
function(caropig_discover_tests target prefix)
  gtest_discover_tests(${target} TEST_PREFIX "${prefix}." DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 60)
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake")
  file(WRITE "${script}" "if(${target}_TESTS)
  set_tests_properties(\${${target}_TESTS} PROPERTIES LABELS \"${ARGN}\")
endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${script}")
endfunction()

# caropig_python_test(NAME SCRIPT TIMEOUT seconds LABELS label... [ARGUMENTS argument...])
#
# Registers one Python program of unittest cases. Debian's own Python, whatever else is on the PATH: the packages of
# packages.txt belong to it.
function(caropig_python_test name script)
  cmake_parse_arguments(PARSE_ARGV 2 test "" "TIMEOUT" "LABELS;ARGUMENTS")
  add_test(NAME ${name} COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${test_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS "${test_LABELS}")
endfunction()
