# As assets.cmake, with what the repository itself holds: no vendor/, and so no consoles in the page and no /docs.
cmake_minimum_required(VERSION 3.25)

set(web ${SOURCE}/web)
file(REMOVE_RECURSE ${DESTINATION}/web ${DESTINATION}/openapi)
file(COPY ${web}/lib ${web}/views ${web}/components ${web}/index.html ${web}/docs.html ${web}/app.js ${web}/docs.js
	${web}/styles.css ${web}/icon.svg DESTINATION ${DESTINATION}/web)
file(COPY ${SOURCE}/openapi/openapi.yaml DESTINATION ${DESTINATION}/openapi)
