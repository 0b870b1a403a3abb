"""check.py tells a case that is rejected for its reason from all others. Usage: check_test.py COMPILER"""

import pathlib
import sys
import tempfile
import unittest

import check

COMPILER = sys.argv.pop() if len(sys.argv) > 1 else "c++"

GOOD_CASE = """\
// expect: cannot be copied
template <class T>
void copy(T) {
#ifndef CAROPIG_GOOD
    static_assert(sizeof(T) == 0, "cannot be copied");
#endif
}
int main() { copy(1); }
"""


class Check(unittest.TestCase):
    def problem(self, source):
        with tempfile.TemporaryDirectory() as folder:
            case = pathlib.Path(folder) / "case.cc"
            case.write_text(source)
            return check.check(str(case), [COMPILER, "-std=c++23"])

    def test_accepts_a_case_that_fails_as_it_says(self):
        self.assertIsNone(self.problem(GOOD_CASE))

    def test_a_case_that_compiles_is_found(self):
        self.assertIn("it compiles, but should fail", self.problem(GOOD_CASE.replace("== 0", "!= 0")))

    def test_a_case_that_fails_for_another_reason_is_found(self):
        self.assertIn("does not say: cannot be copied", self.problem(GOOD_CASE.replace('"cannot be copied"', '"something else"')))

    def test_a_good_variant_that_does_not_compile_is_found(self):
        self.assertIn("the good variant does not compile", self.problem(GOOD_CASE.replace("int main", "unknown main")))

    def test_a_case_needs_both_its_expectation_and_its_good_variant(self):
        self.assertIn("first line", self.problem(GOOD_CASE.replace("// expect", "// hope")))
        self.assertIn("no variant", self.problem(GOOD_CASE.replace("CAROPIG_GOOD", "OTHER")))

    def test_compilers_may_word_it_differently(self):
        source = "// expect-gcc: in GCC's words\n// expect-clang: in Clang's words\nint main() {}\n"
        self.assertEqual(check.expected_fragment(source, "gcc"), "in GCC's words")
        self.assertEqual(check.expected_fragment(source, "clang"), "in Clang's words")
        self.assertEqual(check.expected_fragment("// expect: both\n", "clang"), "both")


if __name__ == "__main__":
    unittest.main()
