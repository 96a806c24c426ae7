# add_floor(FOLDER USES FOLDER... LIBRARIES TARGET...)
#
# Makes a static library `mtasts_FOLDER` of FOLDER's sources. Its headers are included as
# "FOLDER/header.h" by the folders that name it after USES, and by those above them, and by no others:
# each folder has an include directory of its own in the build tree, with a symbolic link to each of
# its headers. Not one to the folder, through which the folders in it could be seen as well: a folder
# in a folder is a floor of its own, "server/engine" the library `mtasts_server_engine`.
function(add_floor FOLDER)
  string(REPLACE "/" "_" name ${FOLDER})
  cmake_parse_arguments(FLOOR "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${FOLDER}/*.c)
  file(GLOB headers RELATIVE ${CMAKE_SOURCE_DIR}/${FOLDER} CONFIGURE_DEPENDS
       ${CMAKE_SOURCE_DIR}/${FOLDER}/*.h)

  if(NOT sources)
    file(WRITE ${CMAKE_BINARY_DIR}/empty_${name}.c "typedef int nothing_here_yet;\n")
    set(sources ${CMAKE_BINARY_DIR}/empty_${name}.c)
  endif()

  set(include_dir ${CMAKE_BINARY_DIR}/headers/${name})
  file(MAKE_DIRECTORY ${include_dir}/${FOLDER})
  foreach(header IN LISTS headers)
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${FOLDER}/${header} ${include_dir}/${FOLDER}/${header} SYMBOLIC)
  endforeach()
  list(TRANSFORM headers PREPEND ${include_dir}/${FOLDER}/)

  add_library(mtasts_${name} STATIC ${sources})
  target_sources(mtasts_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${include_dir} FILES ${headers})
  set_target_properties(mtasts_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON
                                                    LINKER_LANGUAGE C)
  list(TRANSFORM FLOOR_USES REPLACE "/" "_")
  list(TRANSFORM FLOOR_USES PREPEND mtasts_)
  target_link_libraries(mtasts_${name} PUBLIC mtasts_flags ${FLOOR_USES} ${FLOOR_LIBRARIES})
endfunction()
