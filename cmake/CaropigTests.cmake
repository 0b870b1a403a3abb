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

# caropig_discover_uring_tests(TARGET PREFIX label...)
#
# The same cases once more, with io_uring for every loop that does not ask for something else. Where it can't be had,
# they are skipped, and the log line that says why is the output.
function(caropig_discover_uring_tests target prefix)
  set(list ${target}_URING_TESTS)
  gtest_discover_tests(${target} TEST_PREFIX "uring.${prefix}." TEST_LIST ${list} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 60 ENVIRONMENT CAROPIG_BACKEND=uring)
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${target}_uring_labels.cmake")
  file(WRITE "${script}" "if(${list})
  set_tests_properties(\${${list}} PROPERTIES LABELS \"${ARGN}\"
    SKIP_REGULAR_EXPRESSION \"serving with epoll;\\\\[  SKIPPED \\\\]\")
endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${script}")
endfunction()

# caropig_python_test(NAME SCRIPT [EACH_BACKEND] TIMEOUT seconds LABELS label... [ARGUMENTS argument...])
#
# Registers one Python program of unittest cases, and with EACH_BACKEND a second time as uring.NAME, with io_uring for the
# programs that it starts. Debian's own Python, whatever else is on the PATH: the packages of
# packages.txt belong to it.
function(caropig_python_test name script)
  cmake_parse_arguments(PARSE_ARGV 2 test "EACH_BACKEND" "TIMEOUT" "LABELS;ARGUMENTS")
  add_test(NAME ${name} COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${test_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS "${test_LABELS}")
  if(test_EACH_BACKEND)
    add_test(NAME uring.${name}
      COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${test_ARGUMENTS})
    set_tests_properties(uring.${name} PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS "${test_LABELS};uring"
      ENVIRONMENT CAROPIG_BACKEND=uring SKIP_REGULAR_EXPRESSION "serving with epoll")
  endif()
endfunction()
