#!/usr/bin/env bash
# Apache Kafka's own jars from Maven Central into $place/kafka/libs.
. "$(dirname "$0")/place.sh"
version=4.3.1 log4j=2.25.4
stamp="1 $version $log4j"
made kafka "$stamp" && exit 0
rm -rf "$place/kafka"
mkdir -p "$place/kafka/libs"
cat >"$place/kafka/pom.xml" <<X
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>svyaz</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>$log4j</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>$log4j</version></dependency>
</dependencies></project>
X
mvn -q -B -ntp -f "$place/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$place/kafka/libs"
mark kafka "$stamp"
