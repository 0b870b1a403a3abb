# caropig_embed(TARGET FOLDER HEADER NAMESPACE file name [file name...])
#
# Puts files of FOLDER into the program: each becomes the string_view NAMESPACE::name, which HEADER declares.
set(CAROPIG_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/embed.cmake")
function(caropig_embed target folder header namespace)
  set(assets ${ARGN})
  while(assets)
    list(POP_FRONT assets file name)
    set(output "${CMAKE_CURRENT_BINARY_DIR}/${target}_assets/${file}.cc")
    add_custom_command(OUTPUT "${output}"
      COMMAND "${CMAKE_COMMAND}" -D "INPUT=${folder}/${file}" -D "OUTPUT=${output}" -D "HEADER=${header}"
              -D "NAME=${namespace}::${name}" -P "${CAROPIG_EMBED_SCRIPT}"
      DEPENDS "${folder}/${file}" "${CAROPIG_EMBED_SCRIPT}"
      VERBATIM)
    target_sources(${target} PRIVATE "${output}")
  endwhile()
endfunction()

# The pages of examples/login, for the programs that have it.
function(caropig_embed_login target)
  caropig_embed(${target} "${PROJECT_SOURCE_DIR}/examples/login" assets.h tutorial::assets
    base.html kBaseHtml login.html kLoginHtml welcome.html kWelcomeHtml unavailable.html kUnavailableHtml
    login.css kLoginCss)
endfunction()
