package value
import ("testing";"math/rand/v2";"os";"os/exec";"strings";"bytes";"fmt")
func TestZZShell(t *testing.T){
 rng:=rand.New(rand.NewPCG(7,9))
 alpha:=strings.Split(`a b c A = = + _ - ~ : / # ^ % @ , . 1 \ \ ' ' " " $ ! é é { * if`," ")
 alpha=append(alpha," "," "," ","\t","`","\u0085")
 var cases []string; var want [][]string
 for len(cases)<60000 {
  var b strings.Builder
  for range 1+rng.IntN(9) { b.WriteString(alpha[rng.IntN(len(alpha))]) }
  w,err:=SplitArgv(b.String()); if err!=nil {continue}
  cases=append(cases,b.String()); want=append(want,w)
 }
 for _,mode:=range []string{"set -- ","first"} {
 for _,sh:=range [][]string{{"dash"},{"bash"},{"bash","--posix"}} {
  if _,err:=exec.LookPath(sh[0]);err!=nil{t.Log("no",sh);continue}
  var script bytes.Buffer
  if mode=="first" { fmt.Fprintln(&script, `command_not_found_handle() { printf '%s\1' "$@"; printf '\2'; }`) }
  n:=len(cases)
  for i:=0;i<n;i++ {
   if mode=="first" { script.WriteString(cases[i]+"\n") } else {
   script.WriteString("set -- "+cases[i]+"\n"+`if [ $# -gt 0 ]; then printf '%s\1' "$@"; fi; printf '\2'`+"\n") }
  }
  if mode=="first" && sh[0]=="dash" {continue}
  f:=t.TempDir()+"/s"; os.WriteFile(f,script.Bytes(),0o644)
  cmd:=exec.Command(sh[0],append(sh[1:],f)...); cmd.Dir=t.TempDir(); cmd.Env=[]string{"HOME=/HH","PATH=/nonexistent","LC_ALL=C.UTF-8"}
  out,err:=cmd.Output(); if err!=nil{t.Log(sh,err)}
  recs:=strings.Split(string(out),"\x02"); 
  if mode=="first" {
    // builtins possible; compare as ordered subsequence loosely
    t.Log(sh,mode,len(recs),n)
    set:=map[string]bool{}; for _,r:=range recs{set[r]=true}
    bad:=0
    for i:=range cases { k:=strings.Join(want[i],"\x01")+"\x01"; if !set[k]{bad++; if bad<25{t.Logf("not run as words: %q %q",cases[i],want[i])}} }
    continue
  }
  if len(recs)!=n+1{t.Fatal(sh,len(recs),n)}
  bad:=0
  for i:=range cases { k:=strings.Join(want[i],"\x01")+"\x01"; if recs[i]!=k {bad++; if bad<20{t.Errorf("%v: %q: shell %q, ours %q",sh,cases[i],recs[i],k)}}}
  t.Log(sh,mode,"bad",bad,"of",n)
 }}
}
