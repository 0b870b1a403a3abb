# Makes a file into a C++ string; caropig_embed() calls it:
# cmake -D INPUT=page.html -D OUTPUT=page.html.cc -D HEADER=demo/assets.h -D NAME=demo::assets::kPageHtml -P embed.cmake
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#include \"${HEADER}\"

const std::string_view ${NAME} = R\"embedded(${text})embedded\";
")
