# As assets.cmake, with what the repository itself holds: no vendor/, and so no consoles in the page and no /docs.
cmake_minimum_required(VERSION 3.25)

set(web ${SOURCE}/web)
file(REMOVE_RECURSE ${DESTINATION}/web ${DESTINATION}/openapi)
file(COPY ${web}/lib ${web}/views ${web}/components ${web}/styles ${web}/index.html ${web}/app.js ${web}/styles.css
	${web}/icon.svg DESTINATION ${DESTINATION}/web)
file(COPY ${SOURCE}/openapi/openapi.yaml DESTINATION ${DESTINATION}/openapi)
file(WRITE ${DESTINATION}/web/docs.html "<!doctype html>
<html lang=\"en\">
<title>emud: the API</title>
<p>This emud was built without npm, which brings the viewer for the specification. Read
<a href=\"/openapi.yaml\">/openapi.yaml</a>, or install npm and build again.</p>
</html>
")
