# Makes a file into a C++ string: cmake -D INPUT=page.html -D OUTPUT=page.html.cc -D NAME=kPageHtml -P embed.cmake
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#include \"demo/assets.h\"

const std::string_view demo::assets::${NAME} = R\"embedded(${text})embedded\";
")
