# Makes lists with the tools of others over generated files: hashdeep, md5deep, sha1deep,
# sha256deep, md5sum and hfind write their own; the forms that no free program writes any more (iLook,
# NSRL text, HashKeeper) are written by awk, and md5deep says whether it takes them for its own.
# The last line, of awk: files, different ones that are not empty, repeated ones, empty ones.
set -eu
mkdir files
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'generated file %d' $i > files/a$i; done
cp files/a3 'files/copy of a3'
printf x > 'files/comma, and dot.dat'
: > files/empty
hashdeep -c md5,sha1,sha256 -r files > hashdeep.txt
md5deep -r files > md5deep.txt
md5deep -z -r files > md5deep-size.txt
sha1deep -r files > sha1deep.txt
sha256deep -r files > sha256deep.txt
md5sum --tag files/* > bsd.txt
hfind -i md5sum md5deep.txt > hfind.log
form() { awk -F, -v head="$1" -v end="$2" '
  BEGIN { printf "%s%s", head, end }
  /^[0-9]/ { name = $5; for (i = 6; i <= NF; i++) name = name "," $i; sub(/.*\//, "", name)
    n++; md5 = toupper($2); sha1 = toupper($3); size = $1; '"$3"'; printf "%s", end }' hashdeep.txt; }
form V3Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512 '\n' \
  'printf "%s,%s,%s,\\,%s,,,", md5, sha1, name, size' > ilook-v3.hsh
form V4Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512,CreateTime,ModTime,LastAccessTime '\n' \
  'printf "%s,%s,%s,D:\\x\\,%s,,,,1.2.2026 14:29:24,1.2.2026 9:21:10,3.2.2026", md5, sha1, name, size' > ilook-v4.hsh
form '"SHA-1","FileName","FileSize","ProductCode","OpSystemCode","MD4","MD5","CRC32","SpecialCode"' '\r\n' \
  'printf "\"%s\",\"%s\",%s,%d,\"WIN\",\"%032d\",\"%s\",\"00000000\",\"\"", sha1, name, size, n, 0, md5' > nsrl-1.5.txt
form '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"' '\r\n' \
  'printf "\"%s\",\"%s\",\"00000000\",\"%s\",%s,%d,\"WIN\",\"\"", sha1, md5, name, size, n' > nsrl-2.0.txt
form '"file_id","hashset_id","file_name","directory","hash","file_size","date_modified","time_modified","time_zone","comments","date_accessed","time_accessed"' '\r\n' \
  'printf "%d,671,\"%s\",,\"%s\",%s,,,,,,", n, name, md5, size' > hashkeeper.hsh
for known in ilook-v3.hsh ilook-v4.hsh nsrl-1.5.txt nsrl-2.0.txt md5deep.txt hashdeep.txt; do
  case $known in hashdeep.txt) hashdeep -m -k $known -r files ;; *) md5deep -m $known -r files ;; esac \
    | awk -v known=$known 'END { print "known", known, NR }'
done
hfind -i nsrl-sha1 nsrl-2.0.txt > hfind.log
awk -F, '/^[0-9]/ { n++; if ($1 == 0) empty++; else if (seen[$2]++) twice++; else { once++; print $2 > "truth" } }
  END { print "counts", n, once, twice, empty }' hashdeep.txt
