# As assets.cmake, with what the repository itself holds: no vendor/, and so no consoles in the page and no /docs.
cmake_minimum_required(VERSION 3.25)

set(web ${SOURCE}/web)
include(${CMAKE_CURRENT_LIST_DIR}/own_files.cmake)
file(WRITE ${DESTINATION}/web/docs.html "<!doctype html>
<html lang=\"en\">
<title>emud: the API</title>
<p>This emud was built without npm, which brings the viewer for the specification. Read
<a href=\"/openapi.yaml\">/openapi.yaml</a>, or install npm and build again.</p>
</html>
")
