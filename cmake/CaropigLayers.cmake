# caropig_layer(NAME [DEPENDS layer...] [PRIVATE_PACKAGES target...])
#
# Makes the static library caropig_NAME (caropig::NAME) of src/NAME/**.cc. Its public headers are
# include/caropig/NAME/; its private ones stand beside the sources and are included as "NAME/x.h".
set(CAROPIG_LAYERS "" CACHE INTERNAL "the layers, from the bottom up")
set(CAROPIG_PACKAGES "" CACHE INTERNAL "the targets of other projects that layers link")
function(caropig_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "DEPENDS;PRIVATE_PACKAGES")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cc")
  if(NOT sources)  # a layer of headers only is still something to link
    set(sources "${PROJECT_BINARY_DIR}/empty_layers/${name}.cc")
    file(WRITE "${sources}" "")
  endif()
  add_library(caropig_${name} STATIC ${sources})
  set_target_properties(caropig_${name} PROPERTIES EXPORT_NAME ${name} LINKER_LANGUAGE CXX)
  add_library(caropig::${name} ALIAS caropig_${name})
  target_compile_features(caropig_${name} PUBLIC cxx_std_23)
  target_include_directories(caropig_${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  list(TRANSFORM layer_DEPENDS PREPEND caropig_)
  target_link_libraries(caropig_${name}
    PUBLIC ${layer_DEPENDS}
    PRIVATE ${layer_PRIVATE_PACKAGES} $<BUILD_INTERFACE:caropig_compiler>)
  set(CAROPIG_LAYERS ${CAROPIG_LAYERS} ${name} CACHE INTERNAL "the layers, from the bottom up")
  set(packages ${CAROPIG_PACKAGES} ${layer_PRIVATE_PACKAGES})
  list(REMOVE_DUPLICATES packages)
  set(CAROPIG_PACKAGES ${packages} CACHE INTERNAL "the targets of other projects that layers link")
endfunction()
